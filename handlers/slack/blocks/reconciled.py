"""To Finance: a month that was billed is not what its source says now."""

from collections.abc import Sequence

from handlers.slack.blocks.block_kit import SlackMessage, bullets, message, paragraph, rich
from handlers.wording.formatting import number, slash
from handlers.wording.reconcile_text import difference_text, reconciled_text
from handlers.wording.rich_text import Part, bold, code, fallback_text
from models.audit.reconcile import Mismatch
from models.period import Period

NO_CHANGE = "Nothing was changed by looking. What is pulled or recorded anew corrects its bills: "


def reconciled_notice(
    source: str, period: Period, customers: int, count: int, differences: Sequence[Mismatch]
) -> SlackMessage:
    """`differences`: the first of so many."""
    lead = reconciled_text(source, period, count, customers)
    each: list[Sequence[Part]] = [[difference_text(one)] for one in differences]
    if count > len(differences):
        each.append([f"and {number(count - len(differences))} more"])
    pull = code(f"countersign sources pull {source} {period}")
    note: list[Part] = [NO_CHANGE, pull, " or ", code(slash("usage record")), "."]
    return message(
        fallback_text(lead), [paragraph(bold(lead)), rich(bullets(each)), paragraph(*note)]
    )
