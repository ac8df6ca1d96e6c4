"""Where a customer's bills are heading, as a bill tells it."""

from handlers.wording.formatting import money, percent_change, period_name
from handlers.wording.rich_text import Sentence, bold
from handlers.wording.text_chart import sparkline
from handlers.wording.trend_text import direction_text
from models.bills.states import BillKind
from models.queries.bill_details import BillDetails, MonthOverage


def trend_text(facts: BillDetails, *, drawn: bool = True) -> list[Sentence]:
    """Last month and its difference, and where the months with figures are heading.

    `drawn` too, as a line that starts at zero, where no chart stands beside it.
    """
    if len(facts.trend) < 2 or facts.kind != BillKind.OVERAGE:
        return []
    compared = [(one.period, one.amount) for one in facts.trend if _compares(facts, one)]
    known = [(period, amount) for period, amount in compared if amount is not None]
    heading = direction_text(known, lambda amount: money(amount, facts.currency))
    last_month = _last_month(facts, facts.trend[-2])
    if heading is None:
        return [last_month]
    return [last_month, [f"{_line(facts)}  {heading}" if drawn else heading]]


def _compares(facts: BillDetails, month: MonthOverage) -> bool:
    return month.amount is not None and month.currency == facts.currency


def _line(facts: BillDetails) -> str:
    """From the first month with a figure on; a dot stands for a month without."""
    amounts = [one.amount if _compares(facts, one) else None for one in facts.trend]
    return sparkline(amounts[next(at for at, one in enumerate(amounts) if one is not None) :])


def _last_month(facts: BillDetails, before: MonthOverage) -> Sentence:
    """Last month's amount, and how much more or less it is now; a jump is called one."""
    month = period_name(before.period)
    jump: Sentence = [", ", bold("a jump beside what was billed last")] if facts.jumps else []
    if before.amount is None:
        known = "no usage recorded" if before.calls is None else "no price"
        return [f"{month}: {known}", *jump]
    told = f"{month}: {money(before.amount, before.currency or facts.currency)}"
    if not _compares(facts, before):
        return [f"{told}, in another currency", *jump]
    change = percent_change(before.amount, facts.amount)
    if change is None:
        return [told, *jump]
    return [told, " (", bold(f"{change}, a jump") if facts.jumps else change, ")"]
