"""What became of bills that were sent: which they are, and how far each has come."""

from collections.abc import Callable, Sequence

from handlers.wording.bill_text import amount_due, called, numbered, short_title
from handlers.wording.formatting import as_said, bill_count, listing, name, number, totals
from handlers.wording.labels import STATE_WORDS
from handlers.wording.rich_text import Part, Sentence, bold
from handlers.wording.standing_text import LONGEST_CAUSE
from models.batches.bulk_send_outcome import BillsBeingSent, BulkSendOutcome, Fate
from models.batches.send_failures import FailedBills
from models.bills.states import State
from models.queries.bill_details import BillDetails


def one_sent_text(facts: BillDetails) -> Sentence:
    """Of one bill: as in "#42, Acme Corp, October 2026, $1,000.00, goes out 09:12 to a@acme.com."""
    back = "."
    if facts.status is State.SENDING and facts.send_due is None:
        back = UNTIL_NUMBERED if facts.can_be_called_back else ". It cannot be called back."
    return [f"{numbered(facts)}, ", *fate_of(facts), back]


UNTIL_NUMBERED = ". It can be called back until it has its number."


def fate_of(facts: BillDetails) -> list[Part]:
    """How far one bill has come: as in "is delivered to a@acme.com"."""
    to = f" to {name(facts.sent_to)}" if facts.sent_to else ""
    if facts.may_have_arrived and facts.letter.next_at:
        return ["may have arrived"]
    if facts.status is State.SENDING:
        return ["goes out ", facts.send_due, to] if facts.send_due else [f"is on its way{to}"]
    if facts.status is State.SENT:
        return [f"is reported not to have arrived{to}" if facts.bounces else f"is delivered{to}"]
    if facts.failure and not facts.dry_run:
        return [f"could not be delivered{to}"]
    if facts.status is State.APPROVED and facts.number is None:
        return ["was called back and stays approved"]
    return [f"is {STATE_WORDS[facts.status]}"]


def all_sent_text(facts: BulkSendOutcome) -> Sentence:
    """Of all that were sent together: of one that it is, and how far; of several how many."""
    if not facts.bills:
        return ["No bill was sent."]
    told = one_sent_text(facts.named[0]) if facts.bills == 1 else _several(facts)
    return [*told, *_no_mail(facts)]


def _no_mail(facts: BulkSendOutcome) -> list[Part]:
    if facts.mail_waits is None or not facts.going:
        return []
    back = " What has no number yet can be called back." if facts.to_call_back else ""
    cause = as_said(facts.mail_waits, LONGEST_CAUSE)
    return [" ", bold("No mail goes out now"), f": {cause}{back}"]


def _several(facts: BulkSendOutcome) -> Sentence:
    """How many, what they come to, and how far they are."""
    if len(facts.fates) != 1:
        each = [_AMONG_OTHERS[fate](number(count), count) for fate, count in facts.fates.items()]
        return [f"{bill_count(facts.bills)}, {totals(facts.totals)}: {listing(each)}."]
    (fate,) = facts.fates
    due: list[Part] = [" ", facts.due] if facts.due else []
    told = _AMONG_OTHERS[fate](bill_count(facts.bills), facts.bills)
    return [told, *due, f": {totals(facts.totals)}."]


def _verb(one: str, several: str) -> Callable[[str, int], str]:
    return lambda who, count: f"{who} {one if count == 1 else several}"


_AMONG_OTHERS = {
    Fate.IN_DELAY: _verb("goes out", "go out"),
    Fate.WAITING: _verb("waits for its turn", "wait for their turn"),
    Fate.ON_ITS_WAY: _verb("is on its way", "are on their way"),
    Fate.UNHEARD: _verb("may have arrived", "may have arrived"),
    Fate.DELIVERED: _verb("is delivered", "are delivered"),
    Fate.FAILED: _verb("could not be delivered", "could not be delivered"),
    Fate.CAME_BACK: _verb("is reported not to have arrived", "are reported not to have arrived"),
    Fate.DRY_RUN: _verb("was not mailed, in a dry run", "were not mailed, in a dry run"),
    Fate.VOID: _verb("was made void and never left", "were made void and never left"),
    Fate.CALLED_BACK: _verb("was called back", "were called back"),
}


def named_sent(facts: BulkSendOutcome) -> list[Sentence]:
    """A few of them by name, each with how far it is where they differ, and how many there are
    besides.
    """
    differ = len(facts.fates) > 1
    named: list[Sentence] = [
        [bold(numbered(one)), *([", ", *fate_of(one)] if differ else _where_to(one))]
        for one in facts.named
    ]
    more = facts.bills - len(named)
    return [*named, [f"and {number(more)} more"]] if more else named


def _where_to(facts: BillDetails) -> list[Part]:
    return [f", to {name(facts.sent_to)}"] if facts.sent_to else []


RETRY = "Retry failed"
RETRIED = "Those that failed were sent again."
CAUSES = 10
CAME_BACK = (
    "Reported not to have arrived, though the mail server took them. A report can be wrong: ask "
    "the customer, then send each again by itself."
)


def failure_lines(failed: Sequence[FailedBills]) -> list[Sentence]:
    """A line for each cause, those of the most bills: how many, why, and the first of them."""
    told: list[Sentence] = [
        [bold(f"{bill_count(one.bills)}: "), f"{one.cause.rstrip('.')}. {_first_failed(one)}."]
        for one in failed[:CAUSES]
    ]
    rest = sum(one.bills for one in failed[CAUSES:])
    return [*told, [f"and {bill_count(rest)} for other causes"]] if rest else told


def _first_failed(failed: FailedBills) -> str:
    named = [f"{one.number or f'#{one.id}'} {short_title(one)}" for one in failed.named]
    more = failed.bills - len(named)
    return listing([*named, f"{number(more)} more"] if more else named)


def came_back_lines(facts: BulkSendOutcome) -> list[Sentence]:
    """The first of those that may have arrived all the same."""
    named: list[Sentence] = [[bold(numbered(one)), *_where_to(one)] for one in facts.came_back]
    more = facts.fates.get(Fate.CAME_BACK, 0) - len(named)
    return [*named, [f"and {number(more)} more"]] if more > 0 else named


def named_lines(facts: BillsBeingSent) -> list[Sentence]:
    """A few of the bills that a list has, and how many there are besides."""
    named: list[Sentence] = [
        [bold(f"{called(one)}, {short_title(one)}, {amount_due(one)}")] for one in facts.named
    ]
    more = facts.bills - len(named)
    return [*named, [f"and {number(more)} more"]] if more else named
