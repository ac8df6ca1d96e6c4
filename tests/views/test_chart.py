"""Charts made of characters tell the truth about zero and about what is missing."""

from decimal import Decimal

import pytest

from handlers.wording.text_chart import progress_bar, sparkline, usage_bars
from models.usage.usage import UsageMonth
from tests.views.samples import OCTOBER


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([0, 50, 100], "▁▄█"),
        ([None, 1, None], "·█·"),
        ([0, 0, 0], "▁▁▁"),
        ([], ""),
        ([Decimal(-5), Decimal(5)], "▁█"),
        ([10**30, 10**29], "█▁"),
    ],
)
def test_a_line_starts_at_zero_and_leaves_gaps(values: list[int | None], drawn: str) -> None:
    assert sparkline(values) == drawn


@pytest.mark.parametrize(
    ("done", "whole", "drawn"),
    [
        (0, 100, "░░░░░░░░░░ 0 %"),
        (999, 1000, "█████████░ 99 %"),
        (1000, 1000, "██████████ 100 %"),
        (0, 0, "██████████ 100 %"),
        (7, 5, "██████████ 100 %"),
    ],
)
def test_a_bar_is_full_only_when_all_is_done(done: int, whole: int, drawn: str) -> None:
    assert progress_bar(done, whole, width=10) == drawn


def test_bars_mark_the_limit_and_shade_what_is_over_it() -> None:
    months = [
        UsageMonth(OCTOBER.plus(-2), 50, 100, "USD"),
        UsageMonth(OCTOBER.plus(-1), None, 100, "USD"),
        UsageMonth(OCTOBER, 200, 100, "USD"),
    ]
    assert usage_bars(months, width=8).splitlines() == [
        "Aug 2026  ██  │      50",
        "Sep 2026  not recorded",
        "Oct 2026  ████│▓▓▓▓  200",
    ]


def test_a_single_call_is_seen_beside_millions() -> None:
    drawn = usage_bars([UsageMonth(OCTOBER, 1, 10**9, "USD")], width=10)
    assert "█" in drawn


def test_no_months_and_no_calls_draw_nothing_wrong() -> None:
    assert usage_bars([]) == ""
    assert "▓" not in usage_bars([UsageMonth(OCTOBER, 0, 0, "USD")])
