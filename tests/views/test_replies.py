"""Answers and refusals: each says what happened and what to do next."""

from decimal import Decimal
from typing import Any

import pytest

from bot.cli.run_report import preview_as_json, preview_lines, run_as_json, run_lines
from handlers.slack.blocks.action_ids import ActionId
from handlers.slack.blocks.bill_list import bill_list
from handlers.slack.blocks.bill_run import run_preview, run_progress, run_summary
from handlers.slack.blocks.block_kit import Block, SlackMessage
from handlers.slack.blocks.errors import refusal_message, trouble_message
from handlers.slack.blocks.fallbacks import message_fallbacks
from handlers.slack.blocks.help import SUBCOMMANDS, help_for, nearest_commands
from handlers.slack.blocks.thread import not_recorded, reads_like_a_decision
from handlers.slack.blocks.usage import usage_report
from handlers.wording.formatting import use_prefix
from models.batches.bill_run_preview import ProposedBill
from models.bills.states import HoldReason, Verb
from models.errors import Ambiguous, FiguresChanged, NotAllowed, Refusal, Stale
from models.queries.totals import Total
from models.usage.usage import UsageMonth
from sandbox.blockkit import check_message
from tests.views import samples
from tests.views.samples import BILL, NAMES, OCTOBER, buttons, shown, value_of


def told(message: SlackMessage) -> str:
    return shown(message.blocks)


def test_a_preview_tells_what_would_be_made_and_offers_to_make_it() -> None:
    message = run_preview(samples.preview())
    assert message.text == (
        "October 2026 would make 120 bills for approval ($38,200.50 and ¥9,000)"
        " and 3 bills to be held. Nothing has been generated yet."
    )
    lines = told(message).splitlines()
    assert ": the customer has no overage price (Zeta and Theta)" in lines
    assert "4 bills of the month exist already and stay as they are." in lines
    assert "3 overages would round to zero and make no bill." in lines
    assert "No usage is recorded for 25 customers in contract: Gamma, Delta and 23 more." in lines
    offered = buttons(message.blocks)
    assert value_of(offered["run:generate"]) == {"period": "2026-10", "agreed": "seen"}
    assert offered["run:generate"]["text"]["text"] == "Generate"
    assert "run:cancel" in offered


def test_a_preview_and_a_summary_tell_what_nobody_has_to_approve() -> None:
    preview = told(run_preview(samples.preview(by_rule=30)))
    assert "30 bills of these would be approved at once, by their customers’ own rule." in preview
    summary = told(run_summary(samples.run(by_rule=1)))
    assert "1 bill of these was approved at once, by its customer’s own rule." in summary


def test_the_biggest_bills_stand_in_a_table_with_what_becomes_of_them() -> None:
    (table,) = [b for b in run_preview(samples.preview()).blocks if b["type"] == "table"]
    rows = [[cell["text"] for cell in row] for row in table["rows"]]
    assert rows == [
        ["Biggest bills", "Amount", "Would be"],
        ["Acme Corp", "$1,000.00", "waiting"],
        ["Beta Ltd", "$900.00", "held: outside the contract"],
    ]


def test_a_preview_and_what_was_made_flag_jumps_in_every_medium() -> None:
    jump = ProposedBill("Acme Corp", None, Decimal("8000.00"), "USD", jumps=True)
    preview = run_preview(samples.preview(jumps=1, biggest=(jump,)))
    assert "waiting, a jump" in told(preview)
    one = "1 of these bills is several times what its customer was billed last"
    assert f"{one}." in told(preview)
    assert f"{one}." in told(run_summary(samples.run(jumps=1)))
    assert f"  {one}" in preview_lines(samples.preview(jumps=1))
    more = "2 of these bills are several times what their customers were billed last"
    assert f"  {more}" in run_lines(samples.run(jumps=2))
    assert run_as_json(samples.run(jumps=2))["jumps"] == 2
    assert preview_as_json(samples.preview(jumps=2))["jumps"] == 2
    for without in (run_preview(samples.preview()), run_summary(samples.run())):
        assert "several times" not in told(without)


def test_a_preview_of_one_customer_speaks_of_that_customer() -> None:
    nothing = {"customer": "Acme Corp", "bills": 0, "totals": (), "held": {}, "biggest": ()}
    nothing |= {"existing": 0, "zero": 0, "missing": ("Acme Corp",), "missing_count": 1}
    unknown = run_preview(samples.preview(**nothing, usages=0), 5)
    assert unknown.text == "There is nothing to generate for Acme Corp in October 2026."
    assert "No usage is recorded for Acme Corp in October 2026." in told(unknown)
    assert told(unknown).count("No usage is recorded") == 1
    within = samples.preview(**nothing | {"missing": (), "missing_count": 0}, usages=1)
    assert "Acme Corp stayed within the limit." in told(run_preview(within, 5))


def test_a_preview_of_one_customer_generates_for_that_customer() -> None:
    message = run_preview(samples.preview(customer=NAMES["quotes"]), 5)
    carried = value_of(buttons(message.blocks)["run:generate"])
    assert carried == {"period": "2026-10", "customer": 5, "agreed": "seen"}


def test_a_preview_of_nothing_offers_nothing() -> None:
    message = run_preview(
        samples.preview(bills=0, totals=(), held={HoldReason.JUMP: 0}, biggest=(), usages=0)
    )
    assert message.text == "There is nothing to generate for October 2026."
    assert buttons(message.blocks) == {}
    assert "No usage is recorded for the month" in told(message)


def test_a_preview_of_held_bills_alone_can_be_generated() -> None:
    message = run_preview(samples.preview(bills=0, totals=(), held={HoldReason.NO_PRICE: 1}))
    assert message.text.startswith("October 2026 would make 1 bill to be held.")
    assert "run:generate" in buttons(message.blocks)


def test_progress_counts_customers_and_bills() -> None:
    message = run_progress(samples.run(finished_at=None, done=5_000, added=31))
    assert "█████░░░░░░░░░░░░░░░ 25 %" in told(message)
    assert message.text == (
        "Generating the bills of October 2026: 5,000 of 20,000 customers looked at, 31 bills made."
    )


def test_a_finished_run_is_summed_up() -> None:
    message = run_progress(samples.run())
    assert message == run_summary(samples.run())
    assert (
        message.text
        == "120 bills made for October 2026, 2 of them held. The others come to $38,200.50."
    )
    assert "/bill list 2026-10" in told(message)


def test_a_summary_names_the_customers_whose_bills_are_held() -> None:
    assert "2 bills held" in told(run_summary(samples.run()))
    assert ": nobody could approve it (Eta and 1 more)" in told(run_summary(samples.run()))


def test_a_month_run_twice_says_that_nothing_was_added() -> None:
    message = run_summary(samples.run(added=0, held={}, totals=()))
    assert message.text == "October 2026 is up to date: no bill was added."
    assert "4 bills existed already and stayed as they were." in told(message)


def test_a_failed_run_says_why_and_that_it_can_be_run_again() -> None:
    message = run_summary(samples.run(failure="the database went away"))
    assert message.text == "Generating the bills of October 2026 stopped before its end."
    assert "The database went away." in told(message)
    assert "Run it again: bills that were made are not made twice." in told(message)


def test_a_list_shows_every_bill_as_a_row_and_carries_the_way_to_the_next_page() -> None:
    filters = {"status": "pending", "customer": 5}
    message = bill_list(samples.page(20, after="abc"), "Bills waiting", filters)
    (table,) = [b for b in message.blocks if b["type"] == "table"]
    rows = [[cell["text"] for cell in row] for row in table["rows"]]
    assert rows[0] == ["Bill", "Customer", "Month", "Amount", "State"]
    assert rows[1] == ["#1", "Acme Corp", "October 2026", "$1,000.00", "waiting"]
    assert len(rows) == 21
    carried = value_of(buttons(message.blocks)["list:page"])
    assert carried == {"after": "abc", "title": "Bills waiting", "filters": filters}
    assert message.text == "Bills waiting: 20 bills, $20,000.00 and ¥500."


def test_the_last_page_has_no_button() -> None:
    assert buttons(bill_list(samples.page(3), "Bills", {}).blocks) == {}


def test_a_list_says_its_title_once() -> None:
    message = bill_list(samples.page(3), "Bills of Acme Corp", {})
    assert told(message).count("Bills of Acme Corp") == 1
    assert message.text.startswith("Bills of Acme Corp: 3 bills, ")


def test_an_empty_list_says_what_to_do() -> None:
    mine = bill_list(samples.page(0), "Bills that wait for you", {"mine": True})
    assert mine.text == "Bills that wait for you: none. For all bills type /bill list."
    assert bill_list(samples.page(0), "Bills", {}).text == "Bills: none."


def test_twenty_names_of_three_hundred_letters_fit_on_a_page_whole_in_their_beginnings() -> None:
    message = bill_list(samples.page(20, customer="x" * 300), "Bills", {})
    (table,) = [b for b in message.blocks if b["type"] == "table"]
    assert len(table["rows"]) == 21
    assert check_message(message.blocks) == []


USAGE = [
    UsageMonth(OCTOBER.plus(-1), None, 1_000_000, "USD"),
    UsageMonth(OCTOBER, 1_250_000, 1_000_000, "USD"),
]


def test_usage_says_its_finding_and_tells_missing_from_zero() -> None:
    message = usage_report("Acme Corp", USAGE, [samples.bill_line(BILL)], 5)
    assert message.text == (
        "Acme Corp made 1,250,000 calls in October 2026, with 1,000,000 included;"
        " over the limit in 1 of 1 recorded month."
    )
    (table,) = [b for b in message.blocks if b["type"] == "data_table"]
    assert table["caption"] == "Over the limit in 1 of 1 recorded month"
    rows = [[cell["text"] for cell in row] for row in table["rows"][1:]]
    assert rows == [
        ["October 2026", "1,250,000", "1,000,000", "250,000"],
        ["September 2026", "not recorded", "1,000,000", "unknown"],
    ]
    assert "Open bills: #42 October 2026, $1,000.00, waiting." in told(message)


def test_usage_says_from_when_bills_are_in_another_currency() -> None:
    both = [*USAGE, UsageMonth(OCTOBER.plus(1), 5, 1_000_000, "JPY")]
    assert "Bills are in USD." in told(usage_report("Acme Corp", USAGE, [], None))
    assert "Bills are in USD, from November 2026 in JPY." in told(
        usage_report("Acme Corp", both, [], None)
    )


def test_usage_is_private_until_it_is_shared_with_a_button() -> None:
    private = usage_report("Acme Corp", USAGE, [], 5)
    share = buttons(private.blocks)["usage:share"]
    assert value_of(share) == {"customer": 5, "first": "2026-09", "last": "2026-10"}
    assert "Everybody in this conversation" in share["confirm"]["text"]["text"]
    assert buttons(usage_report("Acme Corp", USAGE, [], None).blocks) == {}


def test_usage_is_drawn_as_a_line_against_the_limit() -> None:
    months = [UsageMonth(OCTOBER.plus(n), n + 40, 30 + n // 2, "USD") for n in range(-30, 2)]
    running = months[-1].period
    (chart,) = charts(usage_report("Acme Corp", months, [], None, running))
    used, included = chart["chart"]["series"]
    assert [(one["label"], one["value"]) for one in used["data"][-2:]] == [
        ("Sep 2026", 39),
        ("Oct 2026", 40),
    ], "a month that is not over would look like a fall"
    assert [one["value"] for one in included["data"][-2:]] == [29, 30]
    assert len(used["data"]) == len(included["data"]) == 20, "more Slack does not take"


def test_a_month_without_a_figure_is_a_gap_that_no_line_shows() -> None:
    for months in (USAGE, USAGE[1:], []):
        assert charts(usage_report("Acme Corp", months, [], None)) == []
    assert "not recorded" in told(usage_report("Acme Corp", USAGE, [], None))


def charts(message: SlackMessage) -> list[Block]:
    return [block for block in message.blocks if block["type"] == "data_visualization"]


def test_a_slack_without_its_newest_blocks_is_told_the_same() -> None:
    months = [UsageMonth(OCTOBER.plus(-1), 500_000, 1_000_000, "USD"), USAGE[1]]
    newest, older, plain, *_ = message_fallbacks(usage_report("Acme", months, [], 5))
    assert {"data_visualization", "data_table"} <= {block["type"] for block in newest.blocks}
    assert "table" in {block["type"] for block in older.blocks}
    assert all("table" not in block["type"] for block in plain.blocks)
    row = "October 2026 · Calls 1,250,000 · Included 1,000,000 · Over the limit 250,000"
    assert row in told(plain).replace("\n · ", " · ")
    for one in (older, plain):
        assert "Oct 2026  ███████████│▓▓▓  1,250,000" in told(one)
        assert "usage:share" in buttons(one.blocks)


@pytest.mark.parametrize("command", SUBCOMMANDS)
def test_help_lists_every_subcommand_with_an_example(command: str) -> None:
    use_prefix("acme-")
    try:
        message = help_for(command)
    finally:
        use_prefix("")
    for known in SUBCOMMANDS[command]:
        assert f"/acme-{command} {known.usage}" in told(message)
        assert f"/acme-{command} {known.example}" in told(message)


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("genrate", "/bill generate"),
        ("LIST", "/bill list"),
        ("hist", "/bill history"),
        ("undone", "/bill undo"),
        ("realease", "/bill release"),
        ("sned", "/bill send"),
        ("revice", "/bill revise"),
    ],
)
def test_a_near_miss_is_answered_with_the_nearest(typed: str, nearest: str) -> None:
    assert f"Did you mean {nearest}?" in nearest_commands("bill", typed).text


def test_what_stood_behind_a_near_miss_stands_behind_the_nearest() -> None:
    text = nearest_commands("bill", "generat", "2026-08").text
    assert "Did you mean /bill generate 2026-08?" in text


def test_spans_are_set_as_code() -> None:
    message = refusal_message(Refusal("Write `6m`, `2026` or `2026-01..2026-10`."))
    assert "`" not in told(message)


def test_what_is_near_nothing_is_answered_with_help() -> None:
    text = nearest_commands("bill", "<!channel>").text
    assert text == "/bill does not know “&lt;!channel&gt;”. Type /bill help for all of them."


def test_a_decision_typed_as_a_command_is_sent_to_the_card() -> None:
    text = nearest_commands("bill", "Approve").text
    assert text.startswith("Bills are approved with the button on the card.")


def test_a_refusal_is_its_own_sentence() -> None:
    assert refusal_message(Stale()).text == (
        "This bill changed while you were looking; nothing was done."
    )


def test_a_command_in_a_refusal_is_set_as_code_and_no_other_backtick_is() -> None:
    message = refusal_message(NotAllowed("No `customer` is *here*. Type `/bill list`, or `#12`."))
    parts = message.blocks[0]["elements"][0]["elements"]
    assert [p["text"] for p in parts if "style" in p] == ["/bill list", "#12"]
    assert parts[0]["text"] == "No `customer` is *here*. Type "


def test_an_ambiguous_name_offers_each_choice_and_runs_the_command_again() -> None:
    refused = Ambiguous("Which one?", ["Acme Corp", NAMES["markup"], "{}"])
    offered = buttons(refusal_message(refused, "/usage", "{} 6m").blocks)
    assert list(offered) == ["choose", "choose.2", "choose.3"]
    assert value_of(offered["choose"]) == {"command": "/usage", "text": "Acme Corp 6m"}
    assert value_of(offered["choose.2"])["text"] == f"{NAMES['markup']} 6m"
    assert value_of(offered["choose.3"])["text"] == "{} 6m"


def test_choices_without_a_command_to_run_are_told_alone() -> None:
    assert buttons(refusal_message(Ambiguous("Which one?", ["A", "B"])).blocks) == {}
    assert buttons(refusal_message(Refusal("No.")).blocks) == {}


def test_a_late_click_is_told_what_was_corrected_and_that_nothing_was_done() -> None:
    changed = FiguresChanged(samples.CORRECTED.changes, "USD")
    assert refusal_message(changed, click=ActionId.APPROVE).text == (
        "This bill changed while you were looking: usage was corrected from 1,250,000 to 1,180,000"
        " calls, so the amount is now $720.00. The card above is up to date; nothing was approved."
    )
    assert refusal_message(changed, click=ActionId.REJECT).text.endswith(
        "The card is up to date; nothing was rejected."
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"monthly_api_limit": (1000, 500), "overage_unit_cost": (None, "0.10")},
            "the limit was corrected from 1,000 to 500 calls and"
            " the unit price was corrected from none to $0.10.",
        ),
        (
            {"overage_units": (9, 5), "overage_amount": ("9", "5")},
            "the calls to bill were set from 9 to 5, so the amount is now $5.00.",
        ),
        ({}, "it was worked out anew."),
    ],
)
def test_each_figure_that_was_corrected_is_named(
    changes: dict[str, tuple[Any, Any]], told: str
) -> None:
    assert f"looking: {told}" in refusal_message(FiguresChanged(changes, "USD")).text


def test_a_comment_that_reads_like_a_decision_comes_back_with_a_button() -> None:
    approve = reads_like_a_decision(BILL, Verb.APPROVE)
    assert value_of(buttons(approve.blocks)["bill:approve"]) == {"bill": 42, "version": 1}
    assert "decides nothing yet" in approve.text
    reject = buttons(reads_like_a_decision(BILL, Verb.REJECT).blocks)["bill:reject"]
    assert "confirm" not in reject


def test_a_reply_that_was_not_recorded_says_why() -> None:
    assert not_recorded(NotAllowed("Only Finance may comment.")).text == (
        "Your reply was not recorded on the bill. Only Finance may comment."
    )


def test_an_unforeseen_trouble_has_a_reference_to_quote() -> None:
    assert "reference: K7Q2." in trouble_message("K7Q2").text


def test_totals_of_no_bill_are_left_out_of_a_summary() -> None:
    message = run_summary(samples.run(totals=(Total("USD", 120, Decimal(5)),), held={}))
    assert message.text == "120 bills made for October 2026: $5.00."
