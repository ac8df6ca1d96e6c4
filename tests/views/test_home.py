"""Home shows what waits, what was decided, and the month, each to those whom it concerns."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from handlers.slack.blocks.home import stranger_home
from handlers.slack.blocks.month_board import _charts
from handlers.wording.approving_text import approved_text
from handlers.wording.text_chart import amount_bars
from models.outbox.homes import HomePlace
from models.people.permissions import Role
from models.people.users import User
from tests.views import samples
from tests.views.homes import approvals, billed, full_home, home
from tests.views.samples import BILL, BILLS, NOON, OCTOBER, buttons, shown

KIM = samples.user(samples.KIM)
KIMS = BILLS["pending"]


def user(role: Role | None) -> User:
    return User(name="Kim Lee", role=role, active=True)


def test_what_waits_stands_there_oldest_first_with_its_buttons() -> None:
    older = replace(KIMS, id=41, created_at=NOON - timedelta(days=3))
    view = home(KIM, samples.page(2), [older, KIMS])
    told = shown(view["blocks"])
    assert "Waiting for you: 2" in told
    assert told.index("#41") < told.index("#42")
    assert "Generated 3 days ago." in told
    assert {"bill:approve", "home:tick", "home:approve"} <= buttons(view["blocks"]).keys()
    assert "1 to 2" not in told


def test_a_single_bill_needs_no_box() -> None:
    view = home(KIM, samples.page(1), [KIMS])
    assert not {"home:tick", "home:approve"} & buttons(view["blocks"]).keys()


def test_what_was_ticked_stays_ticked_as_long_as_the_bill_stays_as_it_is() -> None:
    """Slack keeps what was ticked as long as the row is called the same."""

    def rows(version: int, ticking: int = 0) -> list[str]:
        bills = [replace(KIMS, id=n, version=version) for n in (1, 2)]
        view = home(KIM, samples.page(2), bills, place=HomePlace(ticking=ticking))
        return [one["block_id"] for one in view["blocks"] if "block_id" in one]

    assert rows(1) == rows(1) == ["bill:1:1:0", "bill:2:1:0"]
    assert not {*rows(1)} & {*rows(2)}
    assert not {*rows(1)} & {*rows(1, ticking=1)}


def test_what_was_selected_on_other_pages_is_told() -> None:
    """#1 is ticked, #2 has changed since it was, #8 and #9 are on other pages."""
    bills = [replace(KIMS, id=n, version=2) for n in (1, 2)]
    waiting = replace(samples.page(2), count=40, after="there")
    place = HomePlace("before", 2, selected={1: 2, 2: 1, 8: 1, 9: 1})
    view = home(KIM, waiting, bills, place=place)
    boxes = [one for block in view["blocks"] for one in block.get("elements", ())]
    ticked = [one for one in boxes if "initial_options" in one]
    assert [one["options"][0]["text"]["text"] for one in ticked] == ["Select #1"]
    told = shown(view["blocks"])
    assert "Select none" in told


def test_a_page_says_which_of_how_many_it_shows() -> None:
    waiting = replace(samples.page(15), count=500, after="there")
    told = shown(home(KIM, waiting, [BILL] * 15)["blocks"])
    assert "1 to 15 of 500 bills, the oldest first." in told
    unknown = replace(waiting, count=1_000, totals=(), is_counted=False)
    view = home(KIM, unknown, [BILL], place=HomePlace("here", 3))
    told = shown(view["blocks"])
    assert "Waiting for you: more than 1,000 bills" in told
    assert "31 to 45, the oldest first." in told
    assert told.index("First page") < told.index("Next page")


def test_of_many_currencies_the_first_are_drawn_and_the_others_told() -> None:
    codes = ["USD", "EUR", "JPY", "GBP", "CHF", "KWD", "SEK", "NOK", "DKK", "PLN", "CZK"]
    months = billed()
    each = (replace(months.currencies[0], currency=code) for code in codes)
    told = shown(_charts(replace(months, currencies=tuple(each))))
    assert told.count("█") > 0 and told.index("Billed in JPY.") > told.rindex("█")
    assert "Billed in NOK." in told and "Billed in DKK." not in told
    assert "And in 3 more currencies." in told


def test_a_manager_sees_the_month_the_biggest_and_what_waits_without_buttons() -> None:
    view = full_home(BILL, Role.MANAGER)
    told = shown(view["blocks"])
    assert not {one for one in buttons(view["blocks"]) if not one.startswith("home:")}
    assert told.index("October 2026 at a glance") < told.index("Waiting for somebody: 500")
    assert "The biggest overages:" in told
    assert "October 2026: $10,000.00, after $9,000.00 the month before" in told


def test_finance_reads_what_became_of_the_month_and_what_is_missing() -> None:
    told = shown(full_home(BILLS["held, outside_contract"], Role.FINANCE)["blocks"])
    for said in (
        "Generated\n20\n€90.50 and $1,000.00",
        "3 for under 3 days and 1 for 3 to 7 days; of several months.",
        "no price (1) and a jump (1).",
        "13 customers in contract, with no usage recorded:",
        "1 more",
        "/bill send 2026-10",
        "/bill people",
    ):
        assert said in told
    assert "The biggest" not in told


def test_finance_is_told_on_home_how_a_bill_without_a_price_goes_on() -> None:
    view = home(user(Role.FINANCE), samples.page(1), [BILLS["held, no_price"]])
    told = " ".join(shown(view["blocks"]).split())
    assert "from that month on, with /customer edit ." in told


def test_finance_sees_what_is_held_with_its_release() -> None:
    view = home(user(Role.FINANCE), samples.page(1), [BILLS["held, outside_contract"]])
    assert "bill:release" in buttons(view["blocks"])


def test_recent_decisions_are_told_with_their_undo() -> None:
    view = full_home(BILL)
    assert "Your recent decisions" in shown(view["blocks"])
    assert "bill:undo" in buttons(view["blocks"])


@pytest.mark.parametrize("role", Role)
def test_an_empty_home_says_so(role: Role) -> None:
    assert "No bill" in shown(home(user(role), samples.page(0))["blocks"])


def test_whoever_has_no_role_can_ask_for_one_and_sees_nothing() -> None:
    nobody = home(user(None), samples.page(3), [BILL])
    assert nobody == stranger_home()
    assert list(buttons(nobody["blocks"])) == ["access:request"]


def test_months_are_drawn_as_bars_from_zero() -> None:
    periods = [OCTOBER.plus(-ago) for ago in (2, 1, 0)]
    drawn = amount_bars(periods, [None, Decimal(5), Decimal(10)], str, width=4)
    assert drawn.splitlines() == [
        "Aug 2026        no bills",
        "Sep 2026  ██    5",
        "Oct 2026  ████  10",
    ]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "Approved 2 of 3 bills, $2,000.00. 1 of them still needs another approval."),
        ({"awaited": 0}, "Approved 2 of 3 bills, $2,000.00."),
        (
            {"awaited": 2},
            "Recorded your approval of 2 of 3 bills, $2,000.00. Another approval is still needed.",
        ),
        ({"left_out": 0, "approved": 3, "awaited": 0}, "Approved 3 bills, $2,000.00."),
        ({"approved": 0, "left_out": 3, "awaited": 0}, "No bill was approved."),
    ],
)
def test_what_came_of_many_is_one_sentence(changes: dict[str, int], told: str) -> None:
    assert approved_text(approvals(**changes)) == told
