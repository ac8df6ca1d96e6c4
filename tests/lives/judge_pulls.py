"""What a pull may have done, and a question by a link."""

from datetime import date
from fractions import Fraction

from models.bills.usage_links import LinkedBill
from models.period import Period
from tests.lives.ledger import Ledger
from tests.lives.moves_pulls import Metered

MOST_TO_ZERO = Fraction(1, 10)


def judge_pull(metered: Metered, before: Ledger, after: Ledger) -> None:
    """All that was told stands, whom it told of before has used nothing else, and no other figure
    has changed; or nothing has, because it would take away too much.
    """
    period, pull = metered.period, after.usage_pulls[-1]
    assert pull.id == metered.pull.id
    told = {(whose, period): sum(days.values()) for whose, days in metered.calls.items()}
    figures = told | dict.fromkeys(_told_before(before, period) - told.keys(), 0)
    days = _days_afterwards(metered, figures, before)
    assert (pull.rows, pull.total) == (
        sum(map(len, metered.calls.values())),
        sum(told.values()),
    )
    if _takes_away_too_much(figures, before, period) and not metered.anyway:
        assert pull.outcome == "held"
        figures, days = {}, before.days
    else:
        changes = figures.items() <= before.used.items() and days == before.days
        assert pull.outcome == ("unchanged" if changes else "applied")
    assert after.used == before.used | figures
    assert after.days == days


def _told_before(ledger: Ledger, period: Period) -> set[tuple[int, Period]]:
    """Whose calls are what the meter said last."""
    return {
        (row.customer_id, period)
        for row in ledger.usages
        if row.pull_id and row.api_usage and Period(row.year, row.month) == period
    }


def _takes_away_too_much(
    figures: dict[tuple[int, Period], int], before: Ledger, period: Period
) -> bool:
    recorded = {month for month, used in before.used.items() if month[1] == period and used}
    emptied = {month for month in recorded if figures.get(month) == 0}
    return len(emptied) > MOST_TO_ZERO * len(recorded)


def _days_afterwards(
    metered: Metered, figures: dict[tuple[int, Period], int], before: Ledger
) -> dict[tuple[int, date], int]:
    """Days come in the place of others; a figure that changes without days loses those it had."""
    told = {
        (whose, day): calls
        for whose, days in metered.calls.items()
        for day, calls in days.items()
        if day is not None
    }
    anew = {whose for whose, _ in told} | {
        whose
        for (whose, period), used in figures.items()
        if before.used.get((whose, period)) != used
    }
    kept = {
        (whose, day): calls
        for (whose, day), calls in before.days.items()
        if whose not in anew or Period.of(day) != metered.period
    }
    return kept | told


def judge_question(linked: LinkedBill, before: Ledger, after: Ledger) -> None:
    """A comment on the bill whose document was shown, once in the same words; nothing else."""
    assert after.bills == before.bills
    new = after.bill_actions[len(before.bill_actions) :]
    assert [(one.bill_id, one.action) for one in new] in ([], [(linked.bill_id, "comment")])
    said, facts = after.said(linked.bill_id), linked.facts
    assert (facts.number, facts.api_usage) == (said["number"], said["api_usage"])
    assert sum(one.calls for one in facts.days) in (0, facts.api_usage)
    asked = [one.comment for one in after.actions[linked.bill_id] if one.snapshot.get("link_of")]
    assert len(asked) == len({*asked})
