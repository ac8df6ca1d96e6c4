"""What Finance is told of letters: what arrived, what did not, and why none goes out."""

from collections.abc import Sequence
from typing import NamedTuple

from handlers.slack.blocks import buttons
from handlers.slack.blocks.block_kit import (
    Block,
    SlackMessage,
    actions,
    bullets,
    line,
    message,
    paragraph,
    quote,
    rich,
    sentence_message,
)
from handlers.slack.blocks.notifications import NOTICED_AT_MOST, history_button
from handlers.wording.bill_text import amount_due, called, numbered, short_title
from handlers.wording.formatting import (
    bill_count,
    counted,
    listing,
    name,
    number,
    plain,
    slash,
    totals,
)
from handlers.wording.rich_text import Part, Sentence, bold, code, fallback_text
from handlers.wording.sent_text import fate_of, one_sent_text
from models.bills.states import Verb
from models.queries.allowed_verbs import possible_verbs
from models.queries.bill_details import BillDetails
from models.queries.history import HistoryEntry
from models.queries.totals import Total

MAILS_NOTICED = 8
SAID_BY_A_SERVER = 300
SAID_IN_A_REPLY = 600


def not_sent_notice(
    told: Sequence[tuple[BillDetails, HistoryEntry]], more: int = 0
) -> SlackMessage:
    """To Finance: bills that could not be delivered, and why. A number that one has stays."""
    if len(told) + more == 1:
        return _one_not_sent(*told[0])
    lead = f"{bill_count(len(told) + more)} could not be delivered."
    each = [
        _line(facts, facts.failure, [f"{_to(entry.to)}: ", _said(entry)]) for facts, entry in told
    ]
    rest: list[Sequence[Part]] = [[f"and {number(more)} more"]] if more else []
    back = {facts.id: facts for facts, _ in told if Verb.SEND in possible_verbs(facts)}
    return message(
        fallback_text(lead),
        [
            paragraph(bold(lead)),
            rich(bullets([*each, *rest])),
            *([paragraph(NUMBERS_STAY)] if back or more else []),
            *actions(*(buttons.send_button(one, is_one=False) for one in back.values())),
        ],
    )


NUMBERS_STAY = "Numbers stay. Mend what was wrong, then send them again."


def _line(facts: BillDetails, is_open: object, trouble: Sequence[Part]) -> Sequence[Part]:
    """One of several bills: its `trouble`, or what has become of it since."""
    if is_open:
        return [bold(numbered(facts)), *trouble]
    return [bold(f"{numbered(facts)}, "), *fate_of(facts)]


def _said(entry: HistoryEntry) -> Part:
    return plain(entry.failure or "", SAID_BY_A_SERVER)


def _one_not_sent(facts: BillDetails, entry: HistoryEntry) -> SlackMessage:
    what = f"Bill #{facts.id}, {short_title(facts)}, {amount_due(facts)}"
    told: list[Part] = [bold(what), f" could not be delivered{_to(entry.to)}."]
    stays = f" Its number, {facts.number}, stays." if facts.number else ""
    mend = " Mend what was wrong, then send it again." if facts.failure else ""
    again = [buttons.send_button(facts)] if Verb.SEND in possible_verbs(facts) else []
    return message(
        fallback_text(*told),
        [
            rich(line(*told, stays + mend), quote(plain(entry.failure or "", SAID_BY_A_SERVER))),
            *([] if facts.failure else [paragraph(*one_sent_text(facts))]),
            *actions(*again, history_button(facts)),
        ],
    )


def is_in_doubt(facts: BillDetails) -> bool:
    """Whether nobody can tell that it arrived, and it is not being mailed again yet."""
    return facts.may_have_arrived and facts.letter.next_at is not None


def may_have_arrived_notice(told: Sequence[BillDetails]) -> SlackMessage:
    """To Finance: bills were handed over, and nobody can tell whether they arrived; of those that
    somebody can by now, what has become of them.
    """
    told = sorted(told, key=called)
    unheard = [one for one in told if is_in_doubt(one)]
    if not unheard:
        return _none_in_doubt(told)
    is_one = len(told) == 1
    lead = f"{numbered(told[0]) if is_one else bill_count(len(unheard))} may have arrived."
    again = "It is" if len(unheard) == 1 else "They are"
    why = (
        "The mail server was given the letter and was not heard to take it. "
        f"{again} mailed again later, as the same message; whoever gets it twice owes it once. "
        "Who knows from the customer that it arrived can say so; only then can it be made void."
    )
    each = [[_trouble(told[0])]] if is_one else _each_in_doubt(told)
    ways = [
        draw(one, is_one=is_one)
        for one in unheard[:ASKED_AT_MOST]
        for draw in (buttons.arrived_button, buttons.send_button)
    ]
    history = [history_button(told[0])] if is_one else []
    return message(
        fallback_text(lead),
        [
            paragraph(bold(lead), f" {why}"),
            rich(bullets(each)),
            *_on_their_cards(unheard),
            *actions(*ways, *history),
        ],
    )


def _none_in_doubt(told: Sequence[BillDetails]) -> SlackMessage:
    if len(told) == 1:
        alone = one_sent_text(told[0])
        return message(
            fallback_text(*alone), [paragraph(*alone), *actions(history_button(told[0]))]
        )
    lead = f"None of {bill_count(len(told))} that may have arrived is in doubt any more."
    return message(
        fallback_text(lead), [paragraph(bold(lead)), rich(bullets(_each_in_doubt(told)))]
    )


def _each_in_doubt(told: Sequence[BillDetails]) -> list[Sequence[Part]]:
    first = sorted(told, key=is_in_doubt, reverse=True)[:NOTICED_AT_MOST]
    each = [
        _line(one, is_in_doubt(one), [": ", _trouble(one)]) for one in sorted(first, key=called)
    ]
    more = len(told) - NOTICED_AT_MOST
    return [*each, [f"and {number(more)} more"]] if more > 0 else each


ASKED_AT_MOST = 5
"""So many have buttons of their own; those of others are on their cards."""


def _on_their_cards(unheard: Sequence[BillDetails]) -> list[Block]:
    if len(unheard) <= ASKED_AT_MOST:
        return []
    how: Sentence = ["To decide on another, type ", code(slash("bill show")), " and its number."]
    return [paragraph(*how)]


def _trouble(facts: BillDetails) -> Part:
    return plain(facts.letter.trouble or "", SAID_BY_A_SERVER)


def delivered_notice(
    delivered: Sequence[BillDetails], all_of_them: Sequence[Total]
) -> SlackMessage:
    """To Finance: the bills that the mail server took, the first of them by name."""
    bills = sum(one.bills for one in all_of_them)
    if bills == 1:
        (one,) = delivered
        told = f"{numbered(one)}, is delivered{_to(one.sent_to)}{_not_to(one)}."
        below = actions(*buttons.invoice_buttons(one), history_button(one))
        return message(fallback_text(told), [paragraph(told), *below])
    told = f"{bill_count(bills)} are delivered: {totals(all_of_them)}."
    each: list[Sequence[Part]] = [
        [bold(numbered(one)), _to(one.sent_to), _not_to(one)] for one in delivered
    ]
    more = bills - len(delivered)
    rest: list[Sequence[Part]] = [[f"and {number(more)} more"]] if more > 0 else []
    return message(fallback_text(told), [paragraph(told), rich(bullets([*each, *rest]))])


def _to(address: str | None) -> str:
    return f" to {name(address)}" if address else ""


def _not_to(facts: BillDetails) -> str:
    """As in ", but not to boss@acme.com": to whom else it was to go."""
    by_later = {
        later: [name(one.address) for one in facts.letter.missing if one.later is later]
        for later in (False, True)
    }
    words = {False: "not to", True: "not yet to"}
    left_out = [f"{words[later]} {listing(some)}" for later, some in by_later.items() if some]
    return f", but {listing(left_out)}" if left_out else ""


COPIES_LOST = (
    "Of what did not arrive as a copy, the bill itself did, as far as is known. Mend the copies' "
    "addresses on the customer's page; Invoice on the card brings the document."
)


def bounced_notice(told: Sequence[tuple[BillDetails, HistoryEntry]], more: int = 0) -> SlackMessage:
    """To Finance: what mail servers reported not to have arrived. What can be done about it."""
    copies = sum(entry.of_copy for _, entry in told)
    bills = len({facts.id for facts, entry in told if not entry.of_copy}) + more
    lost = [bill_count(bills)] * bool(bills) + [counted(copies, "copy", "copies")] * bool(copies)
    lead = f"{listing(lost)} did not arrive, as mail servers report."
    each = [
        _line(
            facts,
            entry.of_copy or facts.bounces,
            [
                f"{', a copy' if entry.of_copy else ''}, at {name(entry.to or 'its address')}: ",
                _said(entry),
            ],
        )
        for facts, entry in told
    ]
    rest: list[Sequence[Part]] = [[f"and {number(more)} more"]] if more else []
    mend = (
        "The bills stay sent: anybody can write such a report. Ask the customer, mend the address "
        "on their page, and send it again: the same document goes out under the same number."
    )
    known = {facts.id: facts for facts, _ in told}
    bounced = [one for one in known.values() if Verb.SEND in possible_verbs(one)]
    return message(
        fallback_text(lead),
        [
            paragraph(bold(lead)),
            rich(bullets([*each, *rest])),
            *([paragraph(mend)] if bounced or more else []),
            *([paragraph(COPIES_LOST)] if copies else []),
            *actions(*(buttons.send_button(one, is_one=len(bounced) == 1) for one in bounced)),
        ],
    )


def customer_replies_notice(
    told: Sequence[tuple[BillDetails, HistoryEntry]], more: int = 0
) -> SlackMessage:
    """To Finance: what customers wrote back on bills, by mail or by the link of a document."""
    count = len(told) + more
    ways = {_BY_LINK if entry.link_of else _BY_MAIL for _, entry in told}
    came = " and ".join(way.came for way in (_BY_MAIL, _BY_LINK) if way in ways)
    lead = f"{counted(count, 'reply', 'replies')} to bills came {came}."
    blocks = [
        rich(
            line(bold(name(entry.mailed_by or entry.link_of or "")), f" on {numbered(facts)}:"),
            quote(plain(entry.comment or "", SAID_IN_A_REPLY)),
        )
        for facts, entry in told
    ]
    proof = " ".join(way.proof for way in (_BY_MAIL, _BY_LINK) if way in ways)
    note = f"They are comments on their bills now. {proof}"
    rest = [paragraph(f"and {number(more)} more")] if more else []
    return message(fallback_text(lead), [paragraph(bold(lead)), *blocks, *rest, paragraph(note)])


class _Way(NamedTuple):
    """How a reply comes, and what that says of its writer."""

    came: str
    proof: str


_BY_MAIL = _Way("by e-mail", "Who wrote them is what the mails say.")
_BY_LINK = _Way("by their links", "Whoever has the link of a document can ask there.")


def mailbox_unread_notice(cause: str, *, needs_somebody: bool) -> SlackMessage:
    """To Finance: what comes back on bills is not read. Bills go out all the same."""
    told = bold("The mailbox that replies to bills come to cannot be read.")
    mend = (
        " Have it mended by whoever looks after Countersign or the mail server; it is tried again "
        "by itself."
        if needs_somebody
        else " It is tried again and again."
    )
    why = " Bills go out, but nobody hears here of those that do not arrive."
    said = quote(plain(cause, SAID_BY_A_SERVER))
    return message(fallback_text(told), [rich(line(told, why, mend), said)])


def mail_stopped_notice(cause: str, waiting: int, *, needs_somebody: bool) -> SlackMessage:
    """To Finance: the mail server takes nothing from us. Nothing is lost by it."""
    told: list[Part] = [bold("No bill goes out by mail now.")]
    waits = f" {bill_count(waiting)} {'waits' if waiting == 1 else 'wait'}." if waiting else ""
    mend = (
        " Have it mended by whoever looks after Countersign or the mail server; it is tried again "
        "by itself. What has no number yet can be called back."
        if needs_somebody
        else " It is tried again and again. What has no number yet can be called back."
    )
    said = quote(plain(cause, SAID_BY_A_SERVER))
    return message(fallback_text(*told), [rich(line(*told, waits, mend), said)])


def mail_resumed_notice(waiting: int) -> SlackMessage:
    """To Finance, who was told that mail had stopped."""
    waits = (
        f" {bill_count(waiting)} {'is' if waiting == 1 else 'are'} on the way." if waiting else ""
    )
    return sentence_message(bold("Bills go out by mail again."), waits)
