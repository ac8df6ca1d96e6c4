"""The chart of a customer's usage says what is in the figures, in words and in shapes."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from handlers.slack.blocks.usage import usage_report
from handlers.web.charts import BASE, TOP, compact, usage_chart
from handlers.web.rendering import _environment
from handlers.wording.text_chart import usage_bars
from handlers.wording.usage_text import usage_finding
from models.usage.usage import UsageMonth
from tests.views.samples import NAMES, OCTOBER

LIMIT = 1_000_000


def months(*calls: int | None, limit: int = LIMIT) -> list[UsageMonth]:
    """The months up to October."""
    first = OCTOBER.plus(1 - len(calls))
    return [UsageMonth(first.plus(ahead), used, limit, "USD") for ahead, used in enumerate(calls)]


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ((800_000, 1_000_000), "1,000,000 calls in October 2026, 25 % more than in September 2026"),
        ((1_000_000, 800_000), "800,000 calls in October 2026, 20 % fewer than in September 2026"),
        ((5, 5), "5 calls in October 2026, as many as in September 2026"),
        ((1_000, 1_001), "less than 1 % more than in September 2026"),
        ((1_001, 1_000), "less than 1 % fewer than in September 2026"),
        ((1, 1_000), "more than 100 times as many as in September 2026"),
        ((0, 5), "5 calls in October 2026, after none in September 2026"),
        ((0, 0), "0 calls in October 2026, none as in September 2026"),
        ((7, None, 14), "14 calls in October 2026, 100 % more than in August 2026"),
        ((7, None), "7 calls in September 2026, with"),
    ],
)
def test_the_finding_gives_direction_and_size(calls: tuple[int | None, ...], said: str) -> None:
    assert said in usage_finding("Acme Corp", months(*calls))


def test_the_finding_counts_the_months_over_the_limit() -> None:
    told = usage_finding("Acme Corp", months(1_250_000, None, 1_000_000, 1_000_001))
    assert told.endswith(
        "with 1,000,000 included; over the limit in 2 of 3 recorded months. Up and down since July,"
        " between 1,000,000 and 1,250,000."
    )


def test_where_a_month_is_heading_stands_in_the_text_of_the_message_too() -> None:
    """Notifications and screen readers have the text alone."""
    ahead = "By the end of October about 1,300 calls."
    report = usage_report("Acme Corp", months(900, 600), [], None, OCTOBER, None, ahead)
    assert report.text.endswith(f" {ahead}")


def test_three_months_that_go_one_way_are_a_direction_however_it_was_before() -> None:
    told = usage_finding("Acme Corp", months(948, 870, 912, 1_205, 1_250))
    assert told.endswith("Rising since July, from 870 to 1,250.")
    assert "Up and down since July" in usage_finding("Acme Corp", months(9, 8, 7, 8))


def test_a_month_that_is_not_over_is_compared_with_nothing() -> None:
    told = usage_finding("Acme Corp", months(100, 200, 30), OCTOBER)
    assert told.startswith("Acme Corp made 200 calls in September 2026, 100 % more than in August")
    assert told.endswith("So far in October 2026: 30 calls.")
    assert "made 30 calls so far in October 2026, with" in usage_finding(
        "Acme Corp", months(None, 30), OCTOBER
    )


def test_without_figures_the_finding_says_so() -> None:
    assert usage_finding("Acme Corp", months(None, None)) == (
        "No usage is recorded for Acme Corp in these months."
    )


def test_a_bar_has_a_part_within_the_limit_and_one_over_it() -> None:
    under, exact, over = usage_chart("Acme Corp", months(500_000, LIMIT, 2 * LIMIT)).columns
    assert (under.over, exact.over) == (None, None)
    assert under.within and exact.within and over.within and over.over
    assert exact.within == over.within
    assert over.over[0] + over.over[1] == over.within[0]
    assert over.within[0] + over.within[1] == BASE
    assert 2 * under.within[1] == exact.within[1]


def test_nothing_recorded_is_no_bar_and_no_zero() -> None:
    missing, none, one = usage_chart("Acme Corp", months(None, 0, 1)).columns
    assert (missing.calls, missing.within) == (None, None)
    assert (none.calls, none.within) == (0, None)
    assert one.within and one.within[1] >= 2


def test_a_month_outside_the_contract_is_blank_and_has_no_limit() -> None:
    """Neither a mark that its usage is missing, nor a bar of none."""
    before, missing = months(None, None)
    told = [replace(before, in_contract=False), missing]
    chart = usage_chart("Acme Corp", told)
    assert [column.is_missing for column in chart.columns] == [False, True]
    assert [column.told for column in chart.columns] == [
        "September 2026: not in contract",
        "October 2026: not recorded, 1,000,000 included",
    ]
    assert [line.x1 for line in chart.limit] == [chart.columns[1].left]
    assert usage_bars(told).splitlines() == ["Sep 2026  not in contract", "Oct 2026  not recorded"]


def test_slack_draws_the_months_of_the_contract_alone() -> None:
    before, *known = months(None, 1, 2)
    outside = [replace(before, in_contract=False), *known]
    report = usage_report("Acme Corp", outside, [], None)
    [drawn] = [block for block in report.blocks if block["type"] == "data_visualization"]
    assert [one["label"] for one in drawn["chart"]["series"][0]["data"]] == ["Sep 2026", "Oct 2026"]
    missing = usage_report("Acme Corp", [before, *known], [], None)
    assert "data_visualization" not in [block["type"] for block in missing.blocks]


def test_the_limit_steps_where_it_changes() -> None:
    told = [*months(1, 1, limit=100)[:1], *months(1, limit=200)]
    chart = usage_chart("Acme Corp", told)
    first, second, step = chart.limit
    assert first.y1 == first.y2 > second.y1 == second.y2
    assert first.x2 == second.x1 == step.x1 == step.x2
    assert {step.y1, step.y2} == {first.y1, second.y1}


@pytest.mark.parametrize("largest", [0, 1, 3, 999, 1_250_000, 40_000_000, 2**63 - 1])
def test_the_scale_is_round_and_reaches_above_everything(largest: int) -> None:
    chart = usage_chart("Acme Corp", months(largest, limit=0))
    heights = [y for y, _ in chart.scale]
    assert heights[0] == BASE
    assert heights[-1] == TOP
    assert 2 <= len(heights) <= 5
    assert all(len(label) <= 8 for _, label in chart.scale)
    assert all(column.within is None for column in chart.columns)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "0"),
        (50, "50"),
        (500_000, "500k"),
        (1_500_000, "1.5M"),
        (2 * 10**9, "2B"),
        (10**16, "10¹⁶"),
        (15 * 10**15, "1.5×10¹⁶"),
        (5 * 10**18, "5×10¹⁸"),
    ],
)
def test_a_round_number_takes_little_room(value: int, told: str) -> None:
    assert compact(value) == told


@pytest.mark.parametrize("count", [1, 2, 11, 12, 13, 24, 36, 99])
def test_no_more_months_are_labelled_than_have_room(count: int) -> None:
    columns = usage_chart("Acme Corp", months(*[1] * count)).columns
    labelled = [index for index, column in enumerate(columns) if column.label]
    assert 1 <= len(labelled) <= 12
    years = [index for index, column in enumerate(columns) if column.year]
    room = labelled[1] if len(labelled) > 1 else 1
    assert all(after - before >= 2 * room for before, after in pairwise(years))


@pytest.mark.parametrize("customer", NAMES.values(), ids=NAMES.keys())
def test_the_drawing_escapes_names_and_styles_nothing_inline(customer: str) -> None:
    chart = usage_chart(customer, months(None, 0, 5, 2 * LIMIT))
    drawn = str(_environment.get_template("charts.html.jinja").module.months_chart(chart))  # type: ignore[attr-defined]
    assert not re.search(r"\sstyle=|\son\w+=", drawn)
    assert 'aria-labelledby="usage-finding"' in drawn
    assert "Over the limit" in drawn
    assert "Not recorded" in drawn
    assert "<https:" not in drawn
    assert "<!channel" not in drawn
