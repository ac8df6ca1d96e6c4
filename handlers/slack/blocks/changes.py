"""What a change of the books would do, before it is done."""

from collections.abc import Sequence

from handlers.slack.blocks.block_kit import Block, as_lines, context, paragraph, table
from handlers.wording.change_text import difference_text, moved_count, now_and_then, outcome_text
from handlers.wording.formatting import name, number, period_name
from models.bills.moved import MovedBill
from models.imports.foreseen import Foreseen
from models.period import Period

BILLS_SHOWN = 20
CHANGED = (
    "Something has changed since you looked. Nothing was written: below is what would happen now."
)


def foreseen_blocks(foreseen: Foreseen, most: int = BILLS_SHOWN) -> list[Block]:
    """Each field before and after, and the bills that move with it, so many of them at most."""
    fields = [paragraph(*difference_text(one)) for one in foreseen.differences]
    return [*fields, *moved_bills_blocks(foreseen, most)]


def moved_bills_blocks(foreseen: Foreseen, most: int = BILLS_SHOWN) -> list[Block]:
    """How many bills a change moves, and the first of them; nothing where it moves none."""
    moved = [paragraph(f"{moved_count(foreseen.total_bills)}:")] if foreseen.bills else []
    return [*moved, *moved_table(foreseen, most)]


def in_dialog(blocks: Sequence[Block]) -> list[Block]:
    """The same in a dialog, where Slack takes no tables."""
    return [as_lines(block) if block["type"] == "table" else block for block in blocks]


def moved_table(foreseen: Foreseen, most: int = BILLS_SHOWN) -> list[Block]:
    """The first bills that a change moves, or nothing where it moves none."""
    if not foreseen.bills:
        return []
    rows = [_row(one) for one in foreseen.bills[:most]]
    head = ("Bill", "Customer", "Month", "Now", "Then", "What becomes of it")
    left = foreseen.total_bills - len(rows)
    more = [context(f"And {number(left)} more.")] if left else []
    return [table(head, rows, right=[3, 4], whole=[0]), *more]


def _row(bill: MovedBill) -> list[str]:
    month = period_name(Period(bill.year, bill.month))
    told = (*now_and_then(bill), outcome_text(bill))
    return [f"#{bill.id}", name(bill.customer), month, *told]
