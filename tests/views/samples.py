"""A small company to draw: its people, its bills in every state, and names that make trouble."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from models.batches.bill_run_preview import BillRunPreview, ProposedBill
from models.batches.bill_run_report import BillRunReport
from models.batches.bulk_send import SendReport
from models.batches.bulk_send_outcome import BillsBeingSent, BulkSendOutcome, Fate
from models.batches.send_preview import BIGGEST, NAMED, OutgoingBill, SendPreview
from models.bills.approvers import Slot
from models.bills.deliveries import Missing
from models.bills.moved import MovedBill
from models.bills.replay import Approval, BillState, Decision
from models.bills.states import BillKind, Cause, HoldReason, NotSent, RejectReason, State, Verb
from models.context import Source
from models.imports.differences import Difference
from models.imports.foreseen import Foreseen
from models.named_people import PersonRef
from models.people.permissions import Role
from models.people.users import User
from models.period import Period
from models.queries.bill_details import (
    BillDetails,
    Comment,
    Letter,
    MissingApproval,
    MonthOverage,
    Outdated,
    RelatedBill,
)
from models.queries.bill_list import BillLine, Page
from models.queries.digest import Digest
from models.queries.history import HistoryEntry
from models.queries.totals import Total
from models.usage.pulls import PullOutcome, UsagePull
from models.usage.sources import UsageSource

ANA = PersonRef(1, "Ana Ruiz", Role.FINANCE, "U1")
KIM = PersonRef(2, "Kim Lee", Role.CSM, "U2")
LEE = PersonRef(4, "Lee Wong", Role.CSM, "U4")
SAM = PersonRef(3, "Sam Ray", Role.SALES, "U3")
MAX = PersonRef(5, "Max Hill", Role.MANAGER, "U5")
EVA = PersonRef(6, "Eva Day", Role.FINANCE, "U6")
CLOCK = PersonRef(9, "system", None)

OCTOBER = Period(2026, 10)
NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)

NAMES = {
    "plain": "Acme Corp",
    "mention": "<!channel> <@U1> @here",
    "link": "<https://evil.example|Acme Corp>",
    "markup": "*bold* _italic_ ~strike~ `code` > quote",
    "scope": "@scope/name",
    "entities": "Bits & Bobs &amp; <Sons>",
    "emoji": "🔥 Fire :fire: Ltd 👩‍👩‍👧",
    "right to left": "شركة الاتصالات 42",
    "long": "Consolidated " * 22 + "Corp",
    "ampersands": "&" * 300,
    "quotes": 'O\'Neil "The {} %s" \\ Co',
}


def entry(verb: Verb, by: PersonRef = KIM, **more: Any) -> HistoryEntry:
    known = {"id": 7, "at": NOON, "source": Source.SLACK, "version": 2}
    return HistoryEntry(verb=verb, by=by, **{**known, **more})


APPROVED = entry(Verb.APPROVE, slot="csm", amount=Decimal("1000.00"))
REJECTED = entry(
    Verb.REJECT,
    comment="The limit was raised in September.",
    reject_reason=RejectReason.LIMIT_WRONG,
    amount=Decimal("1000.00"),
)
RELEASED = entry(Verb.RELEASE, ANA, comment="The contract was extended by mail.")
BY_RULE = entry(
    Verb.AUTO_APPROVE,
    CLOCK,
    rule="auto_approve_below",
    rule_below=Decimal("5000.00"),
    amount=Decimal("1000.00"),
)
REVISED = entry(
    Verb.REVISE,
    ANA,
    comment="They told us of a test run.",
    adjusted_units=180_000,
    amount=Decimal("720.00"),
    changes={"overage_units": (250_000, 180_000), "overage_amount": ("1000.00", "720.00")},
)
CORRECTED = entry(
    Verb.INVALIDATE,
    CLOCK,
    source=Source.CLI,
    amount=Decimal("720.00"),
    changes={
        "api_usage": (1_250_000, 1_180_000),
        "overage_units": (250_000, 180_000),
        "overage_amount": ("1000.00", "720.00"),
    },
)
SENT_OFF = entry(Verb.SEND, ANA, id=9, due=NOON + timedelta(minutes=5), amount=Decimal("1000.00"))
DELIVERED = entry(
    Verb.DELIVER, CLOCK, source=Source.CLOCK, to="billing@acme.example", answer="250 2.0.0 kept"
)
FAILED = entry(
    Verb.SEND_FAILED, CLOCK, source=Source.CLOCK, to="billing@acme.example",
    failure="550 5.1.1 no such mailbox",
)  # fmt: skip
BOUNCED = entry(Verb.BOUNCE, CLOCK, to="billing@acme.example", failure="550 User unknown")
COPY_LOST = entry(
    Verb.BOUNCE, CLOCK, to="boss@acme.example", failure="550 User unknown", of_copy=True
)
REASSIGNED = entry(
    Verb.REASSIGN, ANA, slot="csm", asked=LEE, instead_of=KIM, comment="Kim is at a fair."
)
VOIDED = entry(Verb.VOID, ANA, comment="Agreed with their new management.")
UNDONE = entry(Verb.UNDO, id=8, comment="Too early.", reverses=APPROVED)


def trend(*amounts: str | None) -> tuple[MonthOverage, ...]:
    first = OCTOBER.plus(1 - len(amounts))
    return tuple(
        MonthOverage(first.plus(index), 10, Decimal(a), "USD")
        if a is not None
        else MonthOverage(first.plus(index), None, None)
        for index, a in enumerate(amounts)
    )


BILL = BillDetails(
    id=42,
    version=1,
    actions=1,
    customer_id=5,
    customer="Acme Corp",
    period=OCTOBER,
    kind="overage",
    status=State.PENDING,
    hold_reason=None,
    api_usage=1_250_000,
    limit_calls=1_000_000,
    overage_units=250_000,
    unit_cost=Decimal("0.0040"),
    amount=Decimal("1000.00"),
    currency="USD",
    created_at=NOON - timedelta(days=1),
    generated_by=ANA,
    trend=trend("0.00", "100.00", None, "300.00", "820.00", "1000.00"),
    needed=(MissingApproval("csm", Role.CSM, (KIM,)),),
)


def comments(count: int, text: str = "Looks right to me.") -> tuple[Comment, ...]:
    return tuple(Comment(index, KIM, NOON, text, edited=index % 2 == 0) for index in range(count))


def _states() -> Iterator[tuple[str, BillDetails]]:
    both = (MissingApproval("csm", Role.CSM, (KIM,)), MissingApproval("sales", Role.SALES, ()))
    yield "pending", BILL
    yield "pending, both needed", replace(BILL, needed=both)
    yield "pending, anybody", replace(BILL, needed=(MissingApproval("any", None),))
    yield "pending, nobody named as needed", replace(BILL, needed=())
    yield (
        "pending, one of two in",
        replace(
            BILL,
            needed=both[1:],
            approvals=(APPROVED,),
            decisions=(APPROVED,),
            last_decision=APPROVED,
        ),
    )
    yield "released", replace(BILL, decisions=(RELEASED,), last_decision=RELEASED)
    yield "undone", replace(BILL, decisions=(UNDONE,), last_decision=UNDONE)
    yield (
        "approved",
        replace(
            BILL,
            status=State.APPROVED,
            needed=(),
            approvals=(replace(APPROVED, acted_for=SAM),),
            decisions=(APPROVED,),
            last_decision=APPROVED,
        ),
    )
    yield (
        "rejected",
        replace(
            BILL, status=State.REJECTED, needed=(), decisions=(REJECTED,), last_decision=REJECTED
        ),
    )
    yield from _held()
    for state in (State.SENDING, State.SENT, State.VOID):
        yield str(state), replace(BILL, status=state, needed=())
    yield from _corrected()
    yield from _on_the_way()
    yield from _corrections()


def _held() -> Iterator[tuple[str, BillDetails]]:
    for cause in HoldReason:
        priced = cause is not HoldReason.NO_PRICE
        yield (
            f"held, {cause}",
            replace(
                BILL,
                status=State.HELD,
                hold_reason=cause,
                needed=(),
                unit_cost=BILL.unit_cost if priced else None,
                amount=BILL.amount if priced else None,
            ),
        )


def _corrected() -> Iterator[tuple[str, BillDetails]]:
    new = replace(
        BILL,
        version=2,
        api_usage=1_180_000,
        overage_units=180_000,
        amount=Decimal("720.00"),
    )
    yield "corrected", replace(new, changed=CORRECTED)
    yield (
        "revised",
        replace(new, changed=REVISED, decisions=(REVISED,), last_decision=REVISED),
    )
    agreed = {"overage_units": 100_000, "amount": Decimal("400.00"), "waived_units": 150_000}
    yield "agreed on fewer", replace(BILL, **agreed)
    more = {"overage_units": 300_000, "amount": Decimal("1200.00"), "waived_units": -50_000}
    yield "agreed on more", replace(BILL, **more)
    yield (
        "rejected, outdated",
        replace(
            BILL,
            status=State.REJECTED,
            needed=(),
            decisions=(REJECTED,),
            last_decision=REJECTED,
            outdated=Outdated(1_180_000, 1_000_000, BILL.unit_cost, Decimal("720.00"), "USD"),
        ),
    )
    both = (MissingApproval("csm", Role.CSM, (KIM,)), MissingApproval("sales", Role.SALES, (SAM,)))
    yield "above the second amount", replace(BILL, needed=both, both_above=Decimal("500.00"))
    in_yen = replace(BILL, needed=both, both_above=Decimal(50_000), rules_currency="JPY")
    yield "a second amount in yen", in_yen
    away = MissingApproval("csm", Role.CSM, (KIM,), away=KIM, delegate=LEE)
    yield "somebody is away", replace(BILL, needed=(away,))


def _on_the_way() -> Iterator[tuple[str, BillDetails]]:
    passed = replace(BILL, status=State.APPROVED, needed=(), by_rule=BY_RULE)
    yield "approved by rule", replace(passed, decisions=(BY_RULE,), last_decision=BY_RULE)
    way = replace(
        BILL,
        status=State.SENDING,
        needed=(),
        approvals=(APPROVED,),
        sent_to="billing@acme.example",
        brought=SENT_OFF,
    )
    waits = {"send_due": SENT_OFF.due, "decisions": (APPROVED, SENT_OFF), "last_decision": SENT_OFF}
    yield "in its delay", replace(way, **waits)
    issued = replace(way, number="2026-000123")
    yield "sent without a delay", way
    yield "issued", issued
    yield "delivered", replace(issued, status=State.SENT, brought=DELIVERED)
    yield (
        "came back",
        replace(
            issued,
            status=State.SENT,
            brought=DELIVERED,
            bounces=(BOUNCED,),
            goes_to="new@acme.example",
        ),
    )
    missing = (Missing("boss@acme.example", "550 5.1.1 <boss> unknown.", later=False),)
    parted = replace(issued, status=State.SENT, brought=DELIVERED, letter=Letter(missing=missing))
    yield "delivered but for a copy", parted
    waits = Letter(waits="The mail server answered: 535 5.7.8 wrong.")
    yield "kept by the mail server", replace(issued, letter=waits)
    yield "not taken yet", replace(issued, letter=Letter(trouble="450 4.2.0 Greylisted."))
    unheard = Letter(trouble="It was not heard.", unheard=1, next_at=SENT_OFF.due)
    yield "perhaps arrived", replace(issued, letter=unheard)
    yield (
        "not delivered",
        replace(issued, status=State.APPROVED, brought=None, failure=FAILED.failure),
    )
    unsent = replace(BILL, status=State.VOID, needed=(), brought=VOIDED)
    yield "void, unsent", replace(unsent, decisions=(VOIDED,), last_decision=VOIDED)
    again = RelatedBill(44, BillKind.OVERAGE, State.PENDING, None, Decimal("720.00"), "USD")
    yield "void, replaced", replace(unsent, replaced_by=again)
    credit = RelatedBill(43, BillKind.CREDIT, State.APPROVED, None, Decimal("-1000.00"), "USD")
    yield "void, credited", replace(unsent, number="2026-000123", corrections=(credit,))


def _corrections() -> Iterator[tuple[str, BillDetails]]:
    first = RelatedBill(12, BillKind.OVERAGE, State.SENT, "2026-000123", Decimal("1000.00"), "USD")
    down = replace(
        BILL,
        kind=BillKind.CREDIT,
        generated_by=CLOCK,
        api_usage=1_180_000,
        overage_units=-70_000,
        amount=Decimal("-280.00"),
        adjusts=first,
        billed=Decimal("1000.00"),
    )
    yield "credit for late usage", down
    up = replace(
        down,
        kind=BillKind.ADJUSTMENT,
        api_usage=1_300_000,
        overage_units=50_000,
        amount=Decimal("200.00"),
    )
    yield "adjustment for late usage", up
    revised = replace(first, amount=Decimal("400.00"), units=100_000, counted=250_000)
    yield (
        "adjustment of what was agreed",
        replace(up, adjusts=revised, billed=revised.amount, waived_units=150_000, agreed=revised),
    )
    void = replace(first, status=State.VOID)
    by_void = entry(Verb.AUTO_APPROVE, CLOCK, rule="void", cause=Cause.VOID, amount=down.amount)
    yield (
        "credit for a void bill",
        replace(
            down,
            status=State.APPROVED,
            needed=(),
            adjusts=void,
            corrected=(void,),
            billed=None,
            by_rule=by_void,
            overage_units=-250_000,
            amount=Decimal("-1000.00"),
        ),
    )


def _figures() -> Iterator[tuple[str, BillDetails]]:
    huge = 9_223_372_036_854_775_807
    yield "no trend", replace(BILL, trend=())
    yield "one month of trend", replace(BILL, trend=trend("1000.00"))
    yield "nothing known before", replace(BILL, trend=trend(None, None, "1000.00"))
    yield "zeros before", replace(BILL, trend=trend("0.00", "0.00", "0.00"))
    yield "yen", replace(BILL, currency="JPY", amount=Decimal(1200), unit_cost=Decimal("0.0048"))
    yield "dinars", replace(BILL, currency="KWD", amount=Decimal("1.250"), unit_cost=Decimal(5))
    yield (
        "huge",
        replace(
            BILL,
            id=huge,
            api_usage=huge,
            overage_units=huge,
            unit_cost=Decimal("9999999999.9999999999"),
            amount=Decimal(10) ** 29,
        ),
    )
    yield "adjustment", replace(BILL, kind="adjustment")
    yield "credit", replace(BILL, kind="credit", amount=Decimal("-1000.00"))
    yield (
        "many could approve",
        replace(BILL, needed=(MissingApproval("csm", Role.CSM, (KIM,) * 50),)),
    )


def _texts() -> Iterator[tuple[str, BillDetails]]:
    for kind, name in NAMES.items():
        who = replace(KIM, name=name[:200])
        yield (
            f"named: {kind}",
            replace(
                BILL,
                customer=name,
                generated_by=replace(ANA, name=name[:200]),
                needed=(MissingApproval("csm", Role.CSM, (who,)),),
                comments=(Comment(1, who, NOON, name),),
            ),
        )
    yield "one comment", replace(BILL, comments=comments(1))
    yield "500 comments", replace(BILL, comments=comments(500))
    yield "a long comment", replace(BILL, comments=comments(1, "<&>" * 1000))
    yield "a long reason", rejected_because("&" * 3000)


def rejected_because(reason: str) -> BillDetails:
    rejection = replace(REJECTED, comment=reason)
    return replace(
        BILL, status=State.REJECTED, needed=(), decisions=(rejection,), last_decision=rejection
    )


def with_state(facts: BillDetails) -> BillDetails:
    """With what each person may do rests on, as the facts tell it."""
    approvals = tuple(Approval(one.id, one.slot or "any", one.by.id) for one in facts.approvals)
    before = BillState(State.PENDING, 1)
    decisions = tuple(
        Decision(one.id, one.verb, one.by.id, moved=True, before=before) for one in facts.decisions
    )
    given = [Slot("csm", Role.CSM, KIM, given_action_id=one.action_id) for one in approvals]
    missing = [
        Slot(one.slot, Role.CSM, *(*one.people, None)[:1], one.delegate) for one in facts.needed
    ]
    state = BillState(facts.status, facts.version, facts.hold_reason, approvals, decisions)
    made_by = frozenset({facts.generated_by.id})
    return replace(facts, state=state, slots=(*given, *missing), made_by=made_by)


BILLS: dict[str, BillDetails] = {
    name: with_state(facts) for name, facts in (*_states(), *_figures(), *_texts())
}


def user(who: PersonRef) -> User:
    """Somebody of the company, as who reads a card."""
    return User(id=who.id, name=who.name, role=who.role, active=True)


def bill_line(facts: BillDetails) -> BillLine:
    return BillLine(
        facts.id,
        facts.version,
        facts.customer,
        facts.period,
        facts.status,
        facts.hold_reason,
        facts.amount,
        facts.currency,
        facts.created_at,
        BillKind(facts.kind),
        facts.number,
        facts.with_tax,
    )


def page(count: int, customer: str = "Acme Corp", after: str | None = None) -> Page:
    lines = tuple(
        replace(bill_line(BILL), id=index, customer=customer) for index in range(1, count + 1)
    )
    totals = (Total("USD", count, Decimal(1000) * count), Total("JPY", 1, Decimal(500)))
    return Page(lines, count, totals if count else (), after)


def digest() -> Digest:
    """Thirteen bills that all wait, in two currencies."""
    dollars = replace(bill_line(BILL), id=11, amount=Decimal(11), currency="USD")
    return Digest(
        listed=13,
        waiting=13,
        totals=(Total("USD", 7, Decimal(36)), Total("JPY", 6, Decimal(42))),
        biggest=(dollars, replace(dollars, id=12, amount=Decimal(12), currency="JPY")),
        period=OCTOBER,
    )


def send_preview(
    facts: BillDetails, ready: int = 3, kept: int = 4, at_once: int = 0
) -> SendPreview:
    """So many bills that can go out, `at_once` of them with a number, and so many that cannot, for
    each reason in turn.
    """
    line = replace(bill_line(facts), status=State.APPROVED)
    goes = tuple(
        OutgoingBill(replace(line, id=index), "billing@acme.example")
        for index in range(1, ready + 1)
    )
    reasons = ([*NotSent] * kept)[:kept]
    stays = tuple(OutgoingBill(bill_line(facts), None, why) for why in reasons[:NAMED])
    return SendPreview(
        id=7 if goes else None,
        period=None,
        bills=ready,
        at_once=at_once,
        totals=(Total(line.currency, ready, (line.amount or Decimal(0)) * ready),) if ready else (),
        biggest=goes[:BIGGEST],
        kept={facts.status: kept} if kept else {},
        stay=stays,
        delay_minutes=5,
    )


def send_facts(facts: BillDetails = BILL, **changes: Any) -> SendReport:
    kept = tuple(OutgoingBill(bill_line(facts), None, why) for why in NotSent)
    known: dict[str, Any] = {
        "id": 7,
        "bills": 6,
        "sent": 2,
        "ended": True,
        "kept": kept,
    }
    return SendReport(**{**known, **changes})


def bulk_sent(facts: BillDetails | None = None, **changes: Any) -> BulkSendOutcome:
    one = facts or BILLS["in its delay"]
    known: dict[str, Any] = {
        "report": send_facts(),
        "fates": {Fate.IN_DELAY: 2},
        "totals": (Total("USD", 2, Decimal(2000)),),
        "due": NOON + timedelta(minutes=5),
        "named": (one, replace(one, id=43)),
    }
    return BulkSendOutcome(**{**known, **changes})


def listed(facts: BillDetails = BILL, bills: int = 400) -> BillsBeingSent:
    return BillsBeingSent(bills, (Total("USD", bills, Decimal(1000 * bills)),), (bill_line(facts),))


def preview(**changes: Any) -> BillRunPreview:
    known: dict[str, Any] = {
        "period": OCTOBER,
        "customer": None,
        "bills": 120,
        "totals": (Total("USD", 118, Decimal("38200.50")), Total("JPY", 2, Decimal(9000))),
        "held": {HoldReason.NO_PRICE: 2, HoldReason.OUTSIDE_CONTRACT: 1},
        "biggest": (
            ProposedBill("Acme Corp", None, Decimal("1000.00"), "USD"),
            ProposedBill("Beta Ltd", HoldReason.OUTSIDE_CONTRACT, Decimal("900.00"), "USD"),
        ),
        "existing": 4,
        "zero": 3,
        "missing": ("Gamma", "Delta"),
        "missing_count": 25,
        "usages": 130,
        "held_customers": {
            HoldReason.NO_PRICE: ("Zeta", "Theta"),
            HoldReason.OUTSIDE_CONTRACT: ("Beta Ltd",),
        },
        "digest": "seen",
    }
    return BillRunPreview(**{**known, **changes})


def run(**changes: Any) -> BillRunReport:
    known: dict[str, Any] = {
        "id": 3,
        "period": OCTOBER,
        "customer": None,
        "by": ANA,
        "started_at": NOON,
        "finished_at": NOON + timedelta(seconds=9),
        "customers": 20_000,
        "done": 20_000,
        "added": 120,
        "held": {HoldReason.NO_APPROVER: 2},
        "held_customers": {HoldReason.NO_APPROVER: ("Eta",)},
        "totals": (Total("USD", 118, Decimal("38200.50")),),
        "existing": 4,
        "missing": ("Gamma",),
        "missing_count": 1,
    }
    return BillRunReport(**{**known, **changes})


def strings(node: Any) -> Iterator[tuple[str, str]]:
    """Every text that a payload shows, with the kind of place it stands in."""
    match node:
        case {"type": "plain_text" | "raw_text" | "mrkdwn" | "text" as kind, "text": str(text)}:
            yield kind, text
        case dict():
            for value in node.values():
                yield from strings(value)
        case list():
            for value in node:
                yield from strings(value)


def shown(payload: Any) -> str:
    """All that a payload shows, a line for each place; the isolation of names taken off."""
    text = "\n".join(text for _, text in strings(payload))
    return text.replace("\u2068", "").replace("\u2069", "")


def buttons(payload: Any) -> dict[str, dict[str, Any]]:
    """Every button and menu by its action id."""
    found: dict[str, dict[str, Any]] = {}
    for block in payload:
        for element in block.get("elements", []) if block["type"] == "actions" else []:
            found[element["action_id"]] = element
    return found


def value_of(element: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(element["value"]))


def foreseen(facts: BillDetails) -> Foreseen:
    """A figure that is corrected, with 300 bills that move with it."""
    period = facts.period
    told = Difference(1, str(period), "api_usage", "1250000", "1180000", is_new=False)
    moved = MovedBill(
        id=facts.id,
        customer=facts.customer,
        year=period.year,
        month=period.month,
        outcome="invalidated",
        before=facts.amount,
        after=facts.amount,
        currency_before=facts.currency,
        currency=facts.currency,
    )
    return Foreseen(0, 1, 0, (told,), 1, (moved,) * 100, 300, "0" * 64)


def source(facts: BillDetails, source_id: int = 3) -> UsageSource:
    """Called like the bill's customer."""
    name = facts.customer[:100]
    return UsageSource(id=source_id, name=name, url="duckdb://", query="select 1", connect_args={})


def pull(outcome: str = PullOutcome.APPLIED) -> UsagePull:
    """Of October, once it was over."""
    ends_at = datetime(2026, 11, 1, tzinfo=UTC)
    return UsagePull(
        id=8,
        source_id=3,
        year=2026,
        month=10,
        starts_at=datetime(2026, 10, 1, tzinfo=UTC),
        ends_at=ends_at,
        started_at=ends_at,
        engine="duckdb",
        rows=10**6,
        total=Decimal(10**15),
        duration_ms=2400,
        outcome=outcome,
        source="clock",
        reason="The engine said *no* to <@U1>.",
        counts={"added": 10**6, "changed": 5, "unknown": 1},
        found={},
    )


def overlapping_pull(facts: BillDetails) -> UsagePull:
    """Of twenty customers of a million that another source tells of as well."""
    told = pull()
    told.counts |= {"overlapping": 10**6}
    overlap = {"source": facts.customer, "pulled_at": told.started_at.isoformat()}
    told.found = {"overlaps": [overlap | {"customers": 10**6, "names": [facts.customer] * 20}]}
    return told
