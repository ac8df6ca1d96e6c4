"""Refusals as each medium says them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from handlers.slack.blocks.errors import refusal_message
from handlers.wording.addresses import use_public_url
from handlers.wording.formatting import ago, use_prefix
from handlers.wording.refusals import Medium, refusal_text
from models.bills.states import Cause, Verb
from models.errors import (
    EarlierAction,
    FiguresChanged,
    NextStep,
    NotAllowed,
    Refusal,
    Stale,
    Step,
    WrongState,
)
from tests.harness.browser_side import PUBLIC_URL

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
HELD = WrongState("It is held.", [NextStep(Verb.RELEASE, 42), NextStep(Verb.REVISE, 42)])


@pytest.fixture
def prefix() -> Iterator[None]:
    use_prefix("acme-")
    yield
    use_prefix("")


def test_slack_names_the_commands_of_its_workspace(prefix: None) -> None:
    assert refusal_text(HELD, Medium.SLACK) == (
        "It is held. Release it with `/acme-bill release #42`, or revise it with"
        " `/acme-bill revise #42`."
    )
    parts = refusal_message(HELD).blocks[0]["elements"][0]["elements"]
    codes = [part["text"] for part in parts if part.get("style", {}).get("code")]
    assert codes == ["/acme-bill release #42", "/acme-bill revise #42"]


def test_the_command_line_names_no_command_that_it_has_not() -> None:
    assert refusal_text(HELD, Medium.COMMAND_LINE) == "It is held. Release it, or revise it."


def test_a_step_for_another_role_says_whose_it_is() -> None:
    refused = Stale(
        "No.", [NextStep(Verb.REVISE, 42, "Finance"), NextStep(Verb.VOID, 42, "Finance")]
    )
    assert refusal_text(refused, Medium.SLACK) == (
        "No. Finance can revise it with `/bill revise #42`, or make it void with `/bill void #42`."
    )


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (
            NextStep(Step.SET_MAIL_SERVER),
            "Have SMTP_URL and MAIL_FROM set by whoever looks after Countersign.",
        ),
        (NextStep(Step.MIGRATE), "Run `countersign migrate`."),
        (
            NextStep(Step.EXPORT_ACTIONS, 42),
            "Read what is left of it with `countersign export actions --bill 42`.",
        ),
    ],
)
def test_what_only_the_command_line_does_is_named_where_things_are_typed(
    step: NextStep, told: str
) -> None:
    for medium in (Medium.SLACK, Medium.COMMAND_LINE):
        assert refusal_text(Refusal("No.", [step]), medium) == f"No. {told}"


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (Step.IMPORT_BILLING_EMAIL, "Give it one with `/customer edit`."),
        (Step.MEND_ADDRESSES, "with commas between them, with `/customer edit`."),
        (Step.MEND_SIGNS, "Write it in other letters with `/customer edit`."),
        (Step.IMPORT_PRICE, "Give the customer one from that month on, with `/customer edit`."),
        (Step.RECORD_USAGE, "with `/usage record`, which settles the rest by itself."),
        (Step.ADD_FINANCE, "Give somebody else that role first, with `/bill people`."),
    ],
)
def test_nobody_is_sent_away_from_slack_for_what_can_be_done_there(step: Step, told: str) -> None:
    refused = Refusal("No.", [NextStep(step, 42)])
    for address in (PUBLIC_URL, ""):
        use_public_url(address)
        assert refusal_text(refused, Medium.SLACK).endswith(told)
        assert "/customer edit" not in refusal_text(refused, Medium.COMMAND_LINE)


def test_what_only_a_page_does_is_told_in_slack_with_a_link_to_it() -> None:
    refused = Refusal("No.", [NextStep(Step.REPLACE_ACCOUNT, 42)])
    shown = refusal_message(refused)
    assert "Give that person the new account on the page People." in shown.text
    [link] = [e for e in shown.blocks[0]["elements"][0]["elements"] if e["type"] == "link"]
    assert link["url"] == f"{PUBLIC_URL}/people"
    assert "page" not in refusal_text(refused, Medium.COMMAND_LINE)
    use_public_url("")
    assert "page" not in refusal_text(refused, Medium.SLACK), "there is none"


@pytest.mark.parametrize("step", [*Step])
@pytest.mark.parametrize("medium", [*Medium])
def test_every_step_has_words(step: Step, medium: Medium) -> None:
    told = refusal_text(Refusal("No.", [NextStep(step, 42)]), medium)
    assert told.startswith("No. ") and told.endswith(".") and "{" not in told


@pytest.mark.parametrize(
    ("by", "role", "is_own", "who"),
    [
        ("Kim", "Customer Success", False, "Kim (CSM)"),
        ("Nia", None, False, "Nia"),
        ("Kim", "Customer Success", True, "You"),
        (None, None, False, "Countersign"),
    ],
)
def test_whoever_comes_too_late_is_told_who_did_what_and_when(
    by: str | None, role: str | None, is_own: bool, who: str
) -> None:
    earlier = EarlierAction(Verb.REJECT, by, role, is_own, NOW - timedelta(minutes=7), NOW)
    refused = NotAllowed("Nothing was recorded.", earlier=earlier)
    assert refusal_text(refused, Medium.SLACK) == (
        f"{who} rejected this bill 7 minutes ago. Nothing was recorded."
    )


@pytest.mark.parametrize(
    ("verb", "cause", "told"),
    [
        (Verb.AUTO_APPROVE, None, "approved this bill 7 minutes ago, by the customer’s own rule"),
        (
            Verb.AUTO_APPROVE,
            Cause.VOID,
            "approved this bill 7 minutes ago, because the bill that it takes back was made void",
        ),
        (
            Verb.VOID,
            Cause.NO_OVERAGE,
            "voided this bill 7 minutes ago, because usage and terms leave nothing to bill",
        ),
        (Verb.INVALIDATE, None, "worked this bill out anew 7 minutes ago"),
    ],
)
def test_what_came_by_itself_is_told_with_its_cause(
    verb: Verb, cause: Cause | None, told: str
) -> None:
    at = NOW - timedelta(minutes=7)
    earlier = EarlierAction(verb, None, None, is_own=False, at=at, now=NOW, cause=cause)
    refused = NotAllowed("Nothing was recorded.", earlier=earlier)
    assert refusal_text(refused, Medium.SLACK) == f"Countersign {told}. Nothing was recorded."


@pytest.mark.parametrize(
    ("passed", "told"),
    [
        (timedelta(seconds=-5), "a moment ago"),
        (timedelta(seconds=59), "a moment ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=125), "2 hours ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=14), "2 weeks ago"),
    ],
)
def test_times_that_passed_are_told_in_the_largest_unit_that_fits(
    passed: timedelta, told: str
) -> None:
    assert ago(NOW - passed, NOW) == told


def test_figures_that_changed_are_told_from_data() -> None:
    changed = FiguresChanged({"overage_amount": ("1250.00", "1180.00")}, "USD")
    assert refusal_text(changed, Medium.COMMAND_LINE) == (
        "This bill changed while you were looking: it was worked out anew, so the amount is now"
        " $1,180.00. Nothing was recorded."
    )
