"""A month's bills at a glance, on Home: what became of them, how long they wait, the biggest."""

from collections.abc import Sequence

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    Element,
    actions,
    bullets,
    button,
    header,
    line,
    lines,
    paragraph,
    preformatted,
    rich,
    table,
)
from handlers.wording.bill_text import amount
from handlers.wording.formatting import (
    by_currency,
    listing,
    money,
    name,
    number,
    period_name,
    slash,
    totals,
)
from handlers.wording.labels import HOLD_SHORT, STATE_WORDS
from handlers.wording.month_text import age_text, billed_finding, missing_text
from handlers.wording.rich_text import Sentence, bold, code
from handlers.wording.text_chart import amount_bars
from models.period import FIRST_YEAR, Period
from models.queries.ageing import AllWaiting
from models.queries.bill_list import BillLine
from models.queries.month_board import MonthBoard
from models.queries.months_billed import CurrencyMonths, MonthsBilled

CHARTED, TOLD = 2, 6
"""Currencies that are drawn, and of the others those that are told."""


def month_board(
    board: MonthBoard,
    newest: Period,
    waiting: AllWaiting | None = None,
    billed: MonthsBilled | None = None,
) -> list[Block]:
    """Bills by state, causes, and who has no usage on record; how long bills of any month have
    been `waiting`; where it is told what months
    were `billed`, also the biggest overages, and these months as a chart. Other months up to the
    `newest` that is over are a click away.
    """
    watched = [*_biggest(board.biggest), *_charts(billed)] if billed else []
    return [
        header(f"{period_name(board.period)} at a glance"),
        *(_states(board) if board.generated else [_nothing(board)]),
        *_ages(waiting),
        *watched,
        *actions(*_other_months(board.period, newest)),
    ]


def _nothing(board: MonthBoard) -> Block:
    month = period_name(board.period)
    preview = code(slash(f"bill generate {board.period}"))
    return paragraph(
        f"{month} has no bills yet. What they would be, Finance sees by ", preview, "."
    )


def _states(board: MonthBoard) -> list[Block]:
    rows = [
        [STATE_WORDS[one.state].capitalize(), number(one.bills), totals(one.totals)]
        for one in board.states
        if one.bills
    ]
    rows = [["Generated", number(board.generated), totals(board.standing)], *rows]
    told = [_causes(board), _missing(board)]
    return [
        table(("State", "Bills", "Amount"), rows, right=[1]),
        *([lines(*(one for one in told if one))] if any(told) else []),
    ]


def _ages(waiting: AllWaiting | None) -> list[Block]:
    told = waiting.ages if waiting else ()
    ages = [f"{number(one.bills)} for {age_text(one)}" for one in told if one.bills]
    if not waiting or not ages:
        return []
    months = f"all of {period_name(waiting.month)}" if waiting.month else "of several months"
    return [lines([bold("Waiting for somebody: "), f"{listing(ages)}; {months}."])]


def _causes(board: MonthBoard) -> Sentence:
    causes = [f"{HOLD_SHORT[cause]} ({number(count)})" for cause, count in board.held.items()]
    return [bold("Held: "), f"{listing(causes)}."] if causes else []


def _missing(board: MonthBoard) -> Sentence:
    missing = board.missing
    if not missing.count:
        return []
    names = [name(customer) for _, customer in missing.first]
    more = missing.count - len(names)
    told = listing([*names, f"{number(more)} more"] if more > 0 else names)
    return [bold("Usage is missing: "), f"{missing_text(missing)} {told}."]


def _biggest(biggest: Sequence[BillLine]) -> list[Block]:
    if not biggest:
        return []
    which = f"The biggest overages{by_currency(one.currency for one in biggest)}:"
    told: list[Sentence] = [
        [f"#{one.id}, {name(one.customer)}: ", bold(amount(one)), f", {STATE_WORDS[one.status]}"]
        for one in biggest
    ]
    return [rich(line(bold(which)), bullets(told))]


def _charts(billed: MonthsBilled) -> list[Block]:
    """Of the currencies of the most bills, each beginning with what it finds; of others that alone.

    Slack draws no charts of its own on a Home tab: `data_visualization` is of messages alone.
    """
    drawn = [_chart(billed.periods, one) for one in billed.currencies[:CHARTED]]
    return [*drawn, *_other_currencies(billed)]


def _other_currencies(billed: MonthsBilled) -> list[Block]:
    others = billed.currencies[CHARTED:]
    told: list[Sentence] = [
        [bold(f"Billed in {one.currency}. "), billed_finding(billed.periods, one)]
        for one in others[:TOLD]
    ]
    more = len(others) - len(told)
    if more > 0:
        told.append([f"And in {number(more)} more currencies."])
    return [lines(*told)] if told else []


def _chart(periods: Sequence[Period], one: CurrencyMonths) -> Block:
    """From the first month that has bills on."""
    first = next(at for at, amount in enumerate(one.amounts) if amount is not None)
    bars = amount_bars(
        periods[first:], one.amounts[first:], lambda amount: money(amount, one.currency)
    )
    found = line(bold(f"Billed in {one.currency}. "), billed_finding(periods, one))
    return rich(found, preformatted(bars))


def _other_months(period: Period, newest: Period) -> list[Element]:
    before = [period.plus(-1)] if period > Period(FIRST_YEAR, 1) else []
    after = [period.plus(1)] if period < newest else []
    return [
        *(_month_button(f"← {period_name(one)}", one) for one in before),
        *(_month_button(f"{period_name(one)} →", one) for one in after),
    ]


def _month_button(words: str, month: Period) -> Element:
    return button(ActionId.HOME_MONTH, words, pack(period=str(month)), label=period_name(month))
