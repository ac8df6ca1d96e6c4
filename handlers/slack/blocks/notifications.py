"""What is told to somebody who did not ask: how it went with what they answer for."""

from collections.abc import Collection, Mapping, Sequence

from handlers.slack.blocks import buttons
from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    Element,
    SlackMessage,
    actions,
    bullets,
    button,
    header,
    line,
    lines,
    message,
    paragraph,
    quote,
    rich,
    sentence_message,
)
from handlers.slack.blocks.card import arithmetic
from handlers.wording.addresses import on_page
from handlers.wording.bill_text import amount, hold_cause, reject_reason, short_title, status_text
from handlers.wording.change_text import correction_text
from handlers.wording.formatting import bill_count, listing, number, person, slash
from handlers.wording.history_text import reassigned_text
from handlers.wording.rich_text import Part, Sentence, bold, code, fallback_text
from handlers.wording.webhook_text import OFF_CAUSES
from models.bills.states import State
from models.named_people import PersonRef
from models.people.permissions import Role
from models.queries.bill_details import BillDetails
from models.queries.history import HistoryEntry
from models.webhooks.webhooks import OffCause

NOTICED_AT_MOST = 20
RECALCULATED_NAMED = 5


def rejection_notice(facts: BillDetails, entry: HistoryEntry) -> SlackMessage:
    """To whoever generated the bill: who rejected it and why, and what can be done about it."""
    what = (
        f" rejected bill #{facts.id}, {short_title(facts)}, {amount(facts)}{reject_reason(entry)}."
    )
    told: list[Part] = [bold(person(entry.by)), what]
    reason = [quote(entry.comment)] if entry.comment else []
    return message(
        fallback_text(*told),
        [
            rich(line(*told), *reason),
            lines(*arithmetic(facts)),
            *actions(
                buttons.revise_button(facts), buttons.void_button(facts), history_button(facts)
            ),
        ],
    )


def reassigned_notice(facts: BillDetails, entry: HistoryEntry) -> SlackMessage:
    """To whoever is asked for a bill whose card they have had before: who asks them to decide."""
    told = reassigned_text(entry, facts.currency)
    said = [quote(entry.comment)] if entry.comment else []
    return message(
        fallback_text(*told),
        [
            rich(line(bold(short_title(facts)), f" · #{facts.id}, {amount(facts)}")),
            rich(line(*told), *said),
            paragraph("Its card is above; or type ", slash(f"bill show #{facts.id}"), "."),
        ],
    )


def history_button(facts: BillDetails) -> Element:
    return button(ActionId.HISTORY, "History", pack(bill=facts.id, page=0))


def approvals_notice(approved: Sequence[BillDetails], reader_id: int) -> SlackMessage:
    """To whoever generated them, or to Finance: the bills approved since the last such notice."""
    shown, more = approved[:NOTICED_AT_MOST], len(approved) - NOTICED_AT_MOST
    theirs = all(one.generated_by.id == reader_id for one in approved)
    which = f"{bill_count(len(approved))}{' you generated' if theirs else ''}"
    told = f"{which} {'is' if len(approved) == 1 else 'are'} approved."
    each: list[Sequence[Part]] = [
        [f"#{one.id} {short_title(one)}: ", bold(amount(one))] for one in shown
    ]
    rest: list[Sequence[Part]] = [[f"and {more} more"]] if more > 0 else []
    return message(fallback_text(told), [paragraph(told), rich(bullets([*each, *rest]))])


def approvals_revoked_notice(
    fallen: Sequence[BillDetails], asked: Collection[int], more: int = 0
) -> SlackMessage:
    """To whoever had approved them: about which figures their word fell, and what comes next.

    `asked`: ids of those that wait for the reader's word again; `more` are not named.
    """
    shown = fallen[:NOTICED_AT_MOST]
    more += len(fallen) - len(shown)
    lost = f"our approval of {bill_count(len(shown) + more)} does not stand any more."
    changed = any(one.changed for one in shown)
    told = f"What you approved has changed: y{lost}" if changed else f"Y{lost}"
    each: list[Sequence[Part]] = [
        [bold(f"#{one.id} {short_title(one)}"), f": {_what_changed(one)}."] for one in shown
    ]
    rest: list[Sequence[Part]] = [[f"and {number(more)} more"]] if more else []
    return message(
        fallback_text(told),
        [paragraph(told), rich(bullets([*each, *rest])), *_what_comes_next(shown, asked, more)],
    )


def _what_changed(facts: BillDetails) -> str:
    now = correction_text(facts.changed, facts.currency) if facts.changed else amount(facts)
    return f"{now}; {status_text(facts)}"


def _what_comes_next(
    shown: Sequence[BillDetails], asked: Collection[int], more: int
) -> list[Block]:
    """Of the reader and of Finance; for whom else a bill waits stands behind the bill itself."""
    theirs = [one.id for one in shown if one.id in asked]
    held = [one.id for one in shown if one.status is State.HELD]
    whole = len(shown) + more
    told: list[Block] = []
    if theirs:
        wait = f"{_waiting(theirs, whole)} for your approval again."
        told.append(paragraph(f"{wait} Type ", code(slash("bill list mine")), " to see."))
    if held:
        wait = f"{_waiting(held, whole)} for Finance to settle the cause."
        told.append(paragraph(f"{wait} Until then nobody is asked to approve."))
    return told


def _waiting(ids: Sequence[int], whole: int) -> str:
    """As in "It waits", "They wait" of all, "#3 waits", "#3 and #4 wait" of some."""
    verb = "waits" if len(ids) == 1 else "wait"
    all_of_them = "It" if whole == 1 else "They"
    which = all_of_them if len(ids) == whole else listing([f"#{bill_id}" for bill_id in ids])
    return f"{which} {verb}"


_RECALCULATED = {
    "invalidated": (
        "{} has other figures now, and waits for approval again",
        "{} have other figures now, and wait for approval again",
    ),
    "held": ("{} is held", "{} are held"),
    "voided": (
        "{} is void, because nothing is left to bill",
        "{} are void, because nothing is left to bill",
    ),
    "proposed": (
        "{} is proposed to correct a month that has gone out, and needs approval",
        "{} are proposed to correct months that have gone out, and need approval",
    ),
    "passed": (
        "{} corrects a month that has gone out, approved by its customer’s own rule",
        "{} correct months that have gone out, approved by their customers’ own rules",
    ),
    "unbilled": (
        "{} is void, though its month has something to bill again",
        "{} are void, though their months have something to bill again",
    ),
    "rejected": (
        "{} was rejected, and usage and terms give other figures since",
        "{} were rejected, and usage and terms give other figures since",
    ),
    "reported": (
        "{} has gone out for a month that is too old to be corrected by itself",
        "{} have gone out for months that are too old to be corrected by themselves",
    ),
    "kept": (
        "{} has gone out, and its month has other days in contract now",
        "{} have gone out, and their months have other days in contract now",
    ),
}

_NEXT = {
    "passed": "Nobody has to approve it; it goes out when it is sent.",
    "held": "Settle the cause, then release it.",
    "unbilled": "Nothing is billed for it by itself: reissue it, if it is to be billed.",
    "rejected": "A rejected bill keeps its figures until it is revised.",
    "reported": "Nothing was done about it. To correct one, make it void and bill its month again.",
    "kept": "What is billed stays as it was, under the contract of its time. Check the new dates: "
    "to bill a month under them, make its bill void and reissue it.",
}


def recalculated_notice(
    done: Mapping[str, tuple[int, Sequence[int]]], facts: Mapping[int, BillDetails]
) -> SlackMessage:
    """To Finance: what corrected usage, terms or people have done to bills.

    `done` gives for each outcome its count and some of its bills, `facts` what is known of these.
    """
    told = "; ".join(_outcome(what, count) for what, (count, _) in done.items() if count)
    head = "Usage, terms or people have changed"
    return message(
        fallback_text(f"{head}: {told}."),
        [
            header("Bills have changed"),
            paragraph(f"{head}."),
            rich(bullets([_listed(what, *one, facts) for what, one in done.items() if one[0]])),
            paragraph("To see one with its buttons, type ", slash("bill show"), " and its number."),
        ],
    )


def _outcome(what: str, count: int) -> str:
    one, several = _RECALCULATED[what]
    return (one if count == 1 else several).format(bill_count(count))


def _why_held(facts: BillDetails) -> str:
    held = facts.status is State.HELD
    return f", because {hold_cause(facts.hold_reason)}" if held else ""


def _listed(
    what: str, count: int, ids: Sequence[int], facts: Mapping[int, BillDetails]
) -> Sentence:
    known = [facts[one] for one in ids if one in facts][:RECALCULATED_NAMED]
    named = [f"#{one.id} {short_title(one)}, {amount(one)}{_why_held(one)}" for one in known]
    more = f"; and {number(count - len(named))} more" if count > len(named) else ""
    hint = f" {_NEXT[what]}" if what in _NEXT else ""
    return [bold(_outcome(what, count)), f": {'; '.join(named)}{more}.{hint}"]


def unreached_notice(role: Role, who: PersonRef | None) -> SlackMessage:
    """To Finance: bills wait for somebody whom nothing in Slack can reach."""
    whom = f"{person(who)}, who has no" if who else f"anybody in {role}, where nobody has a"
    asked = "they are not asked" if who else "nobody is asked"
    return sentence_message(
        bold(f"Bills wait for {whom} Slack account in Countersign, so {asked}."),
        " Only the channel for approvals is, if there is one." if who else "",
        " Give the Slack member id ",
        *on_page("the page People", "/people", "countersign people add"),
        " or by an import of people,",
        *_or_name_somebody_else(),
    )


def unreachable_notice(who: PersonRef, cause: str) -> SlackMessage:
    """To Finance: bills wait for somebody to whom Slack brings nothing, and what it said."""
    return sentence_message(
        bold(f"Bills wait for {person(who)}, and Slack brings nothing to them: {cause}."),
        " What they had to decide is asked in the channel for approvals; without one, of everybody "
        "of their role, or of Finance where that is nobody. Ask somebody else with Reassign on the "
        "bill,",
        *_or_name_somebody_else(),
    )


def _or_name_somebody_else() -> Sentence:
    waiting = code(slash("bill list waiting"))
    return [" or name somebody else for these customers. For the bills, type ", waiting, "."]


def shut_channel_notice(channel: str, cause: str) -> SlackMessage:
    """To Finance: Slack lets nothing into a channel, and what it said."""
    return sentence_message(
        bold("Slack lets nothing into the channel "),
        code(channel),
        bold(f" any more: {cause}."),
        " Where it is the channel for approvals, everybody of the role is asked instead. Invite "
        "the bot there, or name another channel: in ",
        code("APPROVALS_CHANNEL"),
        ", or for a customer with ",
        code(slash("customer edit NAME")),
        ".",
    )


def webhook_off_notice(host: str, cause: OffCause) -> SlackMessage:
    """To Finance: a webhook is not sent anything any more."""
    return sentence_message(
        bold(f"Nothing is sent to the webhook at {host} any more, because {OFF_CAUSES[cause]}."),
        " What happens to bills waits for it, up to thirty days. Resume it on the page of webhooks "
        "once it answers again, or delete it.",
    )
