"""`countersign doctor`: what is amiss is named with what to do, whatever else does not answer."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from tzdata import IANA_VERSION as IANA

from bot.cli import doctor
from bot.health.clock import clock_check
from bot.health.probes import Probe, beside, look_at
from bot.settings import Settings
from handlers.wording.health_text import Check, Standing
from models.customers.customers import Customer
from models.db.database import Database
from models.people.permissions import Role
from models.people.users import add_user
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.cast import People
from tests.harness.scripted_smtp import SILENCE, scripted
from tests.harness.terminal import Terminal

SECRET = "hush/hush@hush"
QUOTED = "hush%2Fhush%40hush"
MOMENT_S = 5.0
NOWHERE = "http://127.0.0.1:1"


async def seen(settings: Settings, **changes: Any) -> dict[str, Check]:
    """Each check by its name."""
    changed = settings.model_copy(update=changes)
    return {check.name: check for check in await doctor.look_around(changed, MOMENT_S)}


def customer(name: str, **more: Any) -> Customer:
    return Customer(name=name, monthly_api_limit=0, overage_unit_cost=Decimal(0), **more)


def standings(checks: dict[str, Check], standing: Standing) -> set[str]:
    return {name for name, check in checks.items() if check.standing is standing}


async def test_where_all_is_well_nothing_is_to_be_done(
    settings: Settings, slack: Sandbox, people: People
) -> None:
    checks = await seen(settings, smtp_url=SecretStr(slack.smtp_url), mail_from="b@example.com")
    assert standings(checks, Standing.BAD) == set()
    # Nothing is started yet, nor is it set where it is to be reached.
    assert standings(checks, Standing.WAIT) == {"Worker", "Replies", "Address"}
    assert checks["Approvers"].told == "2 people of Customer Success and 1 person of Sales."
    assert checks["Channels"].told == "The bot is in the channel that is posted in."
    assert (
        checks["Time zone"].told == f"Days are those of UTC, by the time zones of release {IANA}."
    )
    assert {"Schema", "Scopes", "Clock and Slack's", "Clock and the database's"} <= set(checks)


async def test_what_slack_does_not_let_the_bot_do_is_named(
    settings: Settings, slack: Sandbox, db: Database, people: People
) -> None:
    slack.add_channel(id="CNOBOT", name="acme", bot=False)
    await slack.change_channel("CAPPROVALS", is_archived=True)
    async with db.transaction() as session:
        session.add(customer("Acme Corp", slack_channel_id="CNOBOT"))
        session.add(customer("Borealis", slack_channel_id="CNOWHERE"))
    checks = await seen(settings)
    assert checks["Channels"].standing is Standing.BAD
    for said in (
        "CAPPROVALS (APPROVALS_CHANNEL: it is archived)",
        "CNOBOT (Acme Corp: the bot is not in it",
        "CNOWHERE (Borealis: the bot is not in it",
    ):
        assert said in checks["Channels"].told

    slack.installation.scopes -= {"files:read", "groups:read"}
    checks = await seen(settings)
    assert checks["Scopes"].told.endswith("it lacks files:read and groups:read.")
    assert "missing_scope" in checks["Channels"].told

    checks = await seen(settings, slack_app_token=SecretStr("xapp-of-another-app"))
    assert "invalid_auth" in checks["Slack"].told
    assert "connections:write" in checks["Slack"].to_do
    checks = await seen(settings, slack_bot_token=SecretStr("xoxb-of-another-app"))
    assert "invalid_auth" in checks["Slack"].told
    assert checks["Slack"].to_do.startswith("SLACK_BOT_TOKEN: Copy the Bot User OAuth Token")
    assert "Scopes" not in checks


async def test_a_mail_server_that_refuses_the_login_is_told_without_the_password(
    settings: Settings,
) -> None:
    known = {"ehlo": "250-scripted\r\n250 AUTH PLAIN", "auth": f"535 no, not {SECRET}"}
    async with scripted(**known) as script:
        address = SecretStr(f"smtp://clerk:{QUOTED}@127.0.0.1:{script.port}?starttls=0")
        checks = await seen(settings, smtp_url=address, mail_from="b@example.com")
    mail = checks["Mail"]
    assert (mail.standing, "535" in mail.told) == (Standing.BAD, True)
    assert mail.to_do
    assert SECRET not in str(checks)
    assert QUOTED not in str(checks)


async def test_what_does_not_answer_keeps_nothing_else_from_being_told(
    settings: Settings, people: People
) -> None:
    """The database is gone, Slack is, the mail server says nothing, and no mailbox is there."""
    async with scripted(hello=SILENCE, ehlo=SILENCE) as deaf:
        began = time.monotonic()
        changed = settings.model_copy(
            update={
                "database_url": SecretStr(f"postgresql://clerk:{QUOTED}@127.0.0.1:1/bills"),
                "slack_api_url": f"{NOWHERE}/api/",
                "smtp_url": SecretStr(f"smtp://127.0.0.1:{deaf.port}"),
                "mail_from": "b@example.com",
                "bounces_url": SecretStr(f"imap://clerk:{QUOTED}@127.0.0.1:1/INBOX"),
                "public_url": NOWHERE,
            }
        )
        found = await doctor.look_around(changed, limit_s=2.5)
        took_s = time.monotonic() - began
    checks = {check.name: check for check in found}
    wrong = {"Database", "Slack", "Mail", "Mailbox"}
    assert standings(checks, Standing.BAD) - {"Channels"} == wrong
    assert checks["Channels"].standing is not Standing.GOOD
    assert all(checks[name].told and checks[name].to_do for name in wrong - {"Database"})
    assert "Check DATABASE_URL" in checks["Database"].told
    assert checks["Documents"].standing is Standing.GOOD
    assert QUOTED not in str(found)
    assert SECRET not in str(found)
    assert took_s < 2 * MOMENT_S


@pytest.mark.parametrize("approvals", [None, "CAPPROVALS"])
async def test_without_the_database_nobody_says_that_customers_have_no_channels(
    settings: Settings, slack: Sandbox, people: People, approvals: str | None, caplog: Any
) -> None:
    nowhere = SecretStr("postgresql://clerk@127.0.0.1:1/bills")
    with caplog.at_level(0):
        checks = await seen(settings, database_url=nowhere, approvals_channel=approvals)
    assert checks["Channels"].standing is Standing.WAIT
    assert ("The bot is in the channel" in checks["Channels"].told) is bool(approvals)
    assert "Those of customers were not looked at" in checks["Channels"].told
    assert "database" in checks["Channels"].to_do
    assert not [one for one in caplog.records if one.name.startswith("bot.")]


async def test_a_check_that_never_ends_is_given_up_and_one_that_fails_is_told() -> None:
    async def fails() -> list[Check]:
        raise LookupError("secret")

    async def hangs() -> list[Check]:
        return await beside(lambda: time.sleep(60) or [])

    told = await look_at([Probe("One", hangs), Probe("Other", fails)], limit_s=0.05)
    assert [(check.name, check.standing) for check in told] == [
        ("One", Standing.BAD),
        ("Other", Standing.BAD),
    ]
    assert [check.told for check in told] == [
        "No answer within 0.05 seconds.",
        "It cannot be looked at (LookupError).",
    ]


async def test_tables_of_another_version_are_told_from_those_that_are_missing(
    settings: Settings, db: Database
) -> None:
    async def changed(*statements: str) -> None:
        async with db.transaction() as session:
            for statement in statements:
                await session.execute(sa.text(statement))

    async def told_after(*statements: str) -> str:
        await changed(*statements)
        checks = await seen(settings)
        assert checks["Schema"].standing is Standing.BAD
        assert "Finance" not in checks
        return f"{checks['Schema'].told} {checks['Schema'].to_do}"

    to = "update alembic_version set version_num = "
    as_kept = f"{to} (select version_num from kept)"
    other, same = ("digest || '!'", "rtrim(digest, '!')")
    digest = "update sql_definitions set digest = "
    await changed("create table kept as select * from alembic_version")
    assert "of a later version" in await told_after(f"{to} '9999'")
    assert "Run countersign migrate" in await told_after(f"{to} '0001'")
    assert "functions are not those" in await told_after(as_kept, f"{digest} {other}")
    assert "none of our tables" in await told_after(
        "alter table alembic_version rename to kept_too"
    )
    await changed(
        "alter table kept_too rename to alembic_version", f"{digest} {same}", "drop table kept"
    )


async def test_who_is_missing_for_what_bills_need_is_told(settings: Settings, db: Database) -> None:
    ids = ("UANA", "UBOSS")
    checks = await seen(settings, finance_slack_ids=ids)
    assert (checks["Finance"].standing, checks["Approvers"].standing) == (
        Standing.WAIT,
        Standing.BAD,
    )
    assert "UANA and UBOSS of FINANCE_SLACK_IDS" in checks["Finance"].told
    assert (await seen(settings))["Finance"].told == "Nobody has the role Finance."

    async with db.transaction() as session:
        await add_user(session, "Ana", Role.FINANCE, "UANA")
        await add_user(session, "Kim", Role.CSM)
        session.add(customer("Acme Corp", require_sales_approval=True))
    checks = await seen(settings, finance_slack_ids=ids)
    assert checks["Finance"].told.startswith("UBOSS of FINANCE_SLACK_IDS")
    assert "by 1 customer of Sales" in checks["Approvers"].told

    async with db.transaction() as session:
        await add_user(session, "Sam", Role.SALES, "USAM")
    checks = await seen(settings, finance_slack_ids=("UANA",))
    assert checks["Finance"].standing is Standing.GOOD
    assert checks["Approvers"].standing is Standing.WAIT
    assert checks["Approvers"].told.startswith("No card reaches Kim in Slack")


@pytest.mark.parametrize(
    ("ahead_s", "standing", "words"),
    [
        (0, Standing.GOOD, "agree"),
        (-4, Standing.GOOD, "agree"),
        (42, Standing.WAIT, "42 seconds ahead of"),
        (-301, Standing.BAD, "300 seconds behind"),
        (86_400, Standing.BAD, "86,400 seconds ahead of"),
    ],
)
def test_a_clock_is_wrong_by_what_no_waiting_explains(
    ahead_s: int, standing: Standing, words: str
) -> None:
    before = datetime(2026, 11, 29, tzinfo=UTC)
    theirs = before - timedelta(seconds=ahead_s)
    (check,) = clock_check("Slack", theirs, before, before + timedelta(seconds=1))
    assert check.standing is standing
    assert words in check.told


async def test_the_pages_are_looked_for_where_links_lead_to(settings: Settings) -> None:
    checks = await seen(settings, public_url=settings.slack_api_url.rstrip("/"))
    assert checks["Address"].told == "Something else than Countersign answers at PUBLIC_URL."


async def test_a_script_reads_what_is_wrong(
    slack: Sandbox, database_url: str, tmp_path: Path
) -> None:
    given = {
        "DATABASE_URL": database_url,
        "SLACK_BOT_TOKEN": "xoxb-wrong",
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
    }
    answer = await asyncio.to_thread(Terminal(tmp_path, given).process, "doctor", "--json")
    told = json.loads(answer.stdout)
    slack_check = next(check for check in told["checks"] if check["name"] == "Slack")
    assert (answer.status, slack_check["standing"]) == (1, "wrong")
    assert told["wrong"] == sum(check["standing"] == "wrong" for check in told["checks"]) > 0
    assert "xoxb-wrong" not in answer.stdout + answer.stderr


def test_a_setting_that_is_missing_is_named_and_the_rest_is_told(
    database_url: str, tmp_path: Path
) -> None:
    answer = Terminal(tmp_path, {"DATABASE_URL": database_url}).run("doctor")
    assert answer.status == 2
    assert "SLACK_BOT_TOKEN is not set." in answer.stdout
    assert "Its tables and functions are those of this version." in answer.stdout
    assert "smtp://user:password@host" in answer.stdout
