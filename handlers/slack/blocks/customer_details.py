"""What is known of a customer: whose it is, its terms and what they were, its latest bills."""

from collections.abc import Sequence

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    Element,
    SlackMessage,
    actions,
    bullets,
    button,
    header,
    lines,
    message,
    opening,
    paragraph,
    rich,
)
from handlers.wording.addresses import customer_address
from handlers.wording.bill_text import amount, month_of, state_of
from handlers.wording.customer_text import (
    amiss,
    amount_rules,
    approval_rule,
    contract_text,
    flag_text,
    terms_change,
    terms_text,
)
from handlers.wording.formatting import listing, name, period_name, person, plain
from handlers.wording.rich_text import Sentence, bold, fallback_text
from models.customers.terms import terms_in_force
from models.named_people import PersonRef
from models.period import Period
from models.queries.customer_details import CustomerDetails

TERMS_SHOWN, BILLS_SHOWN, NAMES_SHOWN = 6, 6, 5
ADDRESS_CHARS = 200


def customer_details(facts: CustomerDetails, running: Period) -> SlackMessage:
    """The customer without its usage, which stands below."""
    customer = facts.customer
    told = terms_text(terms_in_force(facts.terms, running))
    return message(
        fallback_text(f"{name(customer.name)}: {told}."),
        [
            header(name(customer.name, 130)),
            lines(*_facts(facts), [bold("Terms: "), f"{told}."]),
            *_to_look_at(facts, running),
            *_earlier_terms(facts),
            *_bills(facts),
        ],
    )


def _facts(facts: CustomerDetails) -> list[Sentence]:
    customer = facts.customer
    rule = approval_rule(customer, facts.csm, facts.sales)
    approved = listing([f"Approved by {rule}", *amount_rules(customer)])
    mailed = plain(customer.billing_email or "nobody yet", ADDRESS_CHARS)
    names = [name(one.name) for one in facts.names]
    also: Sentence = [f"Also found as {listing(names, most=NAMES_SHOWN)}."]
    return [
        [bold("Contract: "), f"{contract_text(customer)}."],
        [bold("CSM: "), _who(facts.csm), bold("  Sales: "), _who(facts.sales)],
        [f"{approved}."],
        [bold("Documents go to: "), f"{mailed}."],
        *([also] if names else []),
    ]


def _who(colleague: PersonRef | None) -> str:
    return person(colleague) if colleague else "nobody"


def _to_look_at(facts: CustomerDetails, running: Period) -> list[Block]:
    flagged = [f"#{bill.id}: {flag_text(bill)}" for bill in facts.flagged]
    told: list[Sentence] = [[one] for one in [*flagged, *amiss(facts, running)]]
    return [paragraph(bold("To look at:")), rich(bullets(told))] if told else []


def _earlier_terms(facts: CustomerDetails) -> list[Block]:
    """Newest first, each with what it changed; nothing where there never were others."""
    pairs = list(zip([None, *facts.terms], facts.terms, strict=False))
    if len(pairs) < 2:
        return []
    told: list[Sentence] = [
        [
            bold(f"From {period_name(Period.of(terms.valid_from))}: "),
            f"{terms_text(terms)} ({terms_change(before, terms)}).",
        ]
        for before, terms in reversed(pairs[-TERMS_SHOWN:])
    ]
    return [paragraph(bold("Terms by month:")), rich(bullets(told))]


def _bills(facts: CustomerDetails) -> list[Block]:
    if not facts.bills:
        return []
    told: list[Sentence] = [
        [f"#{one.id} {month_of(one)}, {amount(one)}, {state_of(one)}"]
        for one in facts.bills[:BILLS_SHOWN]
    ]
    return [paragraph(bold("Latest bills:")), rich(bullets(told))]


def customer_buttons(customer_id: int, *, may_edit: bool) -> list[Block]:
    """What can be done with a customer."""
    edit = button(ActionId.EDIT_CUSTOMER, "Edit", pack(customer=customer_id))
    address = customer_address(customer_id)
    page = button(ActionId.OPEN_PAGE, "Web page", pack())
    offered: Sequence[Element] = [
        *([edit] if may_edit else []),
        *([opening(page, address)] if address else []),
    ]
    return actions(*offered)
