"""What became of bills whose figures had changed, in words."""

from handlers.wording.change_text import FOLLOWED
from handlers.wording.formatting import bill_count
from models.outbox.notifications import Recalculation


def recalculation_lines(settled: Recalculation) -> list[str]:
    """What became of bills whose figures had changed; nothing where none had."""
    return [
        f"  {bill_count(len(bills))} {FOLLOWED[name]}{named_bills(bills)}"
        for name, bills in settled.outcomes.items()
    ]


NAMED_BILLS = 10


def named_bills(bills: tuple[int, ...]) -> str:
    """As in ": #12, #15 and 3 more"."""
    named = ", ".join(f"#{bill}" for bill in bills[:NAMED_BILLS])
    more = len(bills) - NAMED_BILLS
    return f": {named}" + (f" and {more:,} more" if more > 0 else "")
