"""The log is JSON, a line each, and keeps secrets."""

import asyncio
import io
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import structlog

from bot.logs import HIDDEN, configure_logging
from bot.settings import Settings
from bot.slack.client import SlackClient
from bot.worker.deliver_bills import mailer_of
from bot.worker.read_mailbox import mailbox_of
from models.db.database import Database, check_reachable
from tests.harness.scripted_smtp import scripted

SECRETS = {
    "device": "css_0123456789abcdefghij-_0123456789",
    "script": "cst_0123456789abcdefghij-_0123456789",
    "link": "csl_0123456789abcdefghij-_0123456789",
    "customer's link": "csu_0123456789abcdefghij-_0123456789",
    "password": "$2b$12$/NDxgpckv/6cMAXGWWheIu4g9bFhVCPFClSigTBULa8n0a558.7i6",
    "a bot token": "xoxb-12-34-Ab_c-d",
    "an app token": "xapp-1-A1-2-abc",
    "a password": "hunter2",
    "a ticket": "3f2a-77",
    "a response address": "T0/B0/zzz",
    "the signing secret": "5f5f5f5f",
}
SAID = (
    "xoxb-12-34-Ab_c-d, xapp-1-A1-2-abc, postgresql://me:hunter2@db/x, "
    "wss://host/link/?ticket=3f2a-77&app_id=A1, "
    "https://hooks.slack.com/commands/T0/B0/zzz, 5f5f5f5f, "
    "session=css_0123456789abcdefghij-_0123456789; Bearer cst_0123456789abcdefghij-_0123456789, "
    "https://host/sign-in/csl_0123456789abcdefghij-_0123456789, "
    "https://host/u/csu_0123456789abcdefghij-_0123456789?asked, "
    "(1, kim, $2b$12$/NDxgpckv/6cMAXGWWheIu4g9bFhVCPFClSigTBULa8n0a558.7i6)"
)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What goes to stderr, while the log is set up as in earnest."""
    root = logging.getLogger()
    before, level, config = root.handlers[:], root.level, structlog.get_config()
    yield _set_up(["5f5f5f5f"])
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**config)


def _set_up(secrets: list[str]) -> io.StringIO:
    configure_logging(secrets)
    stream = io.StringIO()
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    return stream


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_hidden_wherever_it_is_said(secret: str, written: io.StringIO) -> None:
    log = structlog.get_logger("here")
    log.warning(SAID, where=[SAID])
    logging.getLogger("a.library").error("broken: %s", SAID)
    try:
        raise ValueError(SAID)
    except ValueError:
        log.exception("failed")
    assert secret not in written.getvalue()
    assert HIDDEN in written.getvalue()


def test_every_line_is_an_object_with_its_level(written: io.StringIO) -> None:
    structlog.get_logger("here").info("started", port=1)
    logging.getLogger("a.library").error("two\nlines")
    ours, theirs = map(json.loads, written.getvalue().splitlines())
    assert (ours["event"], ours["port"], ours["level"]) == ("started", 1, "info")
    assert (theirs["event"], theirs["level"]) == ("two\nlines", "error")


def test_libraries_that_chat_are_heard_from_warnings_on(written: io.StringIO) -> None:
    logging.getLogger("procrastinate.worker").info("Starting job")
    logging.getLogger("slack_bolt").info("the whole body")
    assert not written.getvalue()


HUSH, QUOTED = "hush/hush@hush", "hush%2Fhush%40hush"
SECRET_SETTINGS = {
    "database_url": f"postgresql://clerk:{QUOTED}@127.0.0.1:1/bills",
    "slack_bot_token": f"xoxb-{HUSH}",
    "slack_app_token": f"xapp-{HUSH}",
    "slack_signing_secret": "9a8b7c6d",
    "smtp_url": f"smtp://clerk:{QUOTED}@127.0.0.1:{{}}?starttls=0",
    "bounces_url": f"imap://clerk:{QUOTED}@127.0.0.1:1/INBOX",
    "metrics_token": "sixteen-letters-and-more",
}
NEVER = (HUSH, QUOTED, "9a8b7c6d", "sixteen-letters-and-more")


@pytest.mark.usefixtures("written")
async def test_no_secret_setting_is_ever_in_the_log_whatever_fails() -> None:
    """The database is gone, Slack and the mailbox are, and the mail server repeats the password."""
    fields = Settings.model_fields.items()
    assert {name for name, one in fields if "SecretStr" in str(one.annotation)} == set(
        SECRET_SETTINGS
    )
    known = {"ehlo": "250-scripted\r\n250 AUTH PLAIN", "auth": f"535 no, not {HUSH}"}
    async with scripted(**known) as script:
        given = SECRET_SETTINGS | {"smtp_url": SECRET_SETTINGS["smtp_url"].format(script.port)}
        settings = Settings(
            _env_file=None, mail_from="b@example.com", slack_api_url="http://127.0.0.1:1/", **given
        )
        stream = _set_up(settings.secrets())
        log = structlog.get_logger("here")
        failed = 0
        for fault in _faults(settings):
            try:
                await fault()
            except Exception:
                log.exception("failed", settings=settings)
                failed += 1
    for value in given.values():
        log.error("as it stands", value=value)
    assert failed == 4
    assert stream.getvalue().count("Traceback") >= failed
    assert [secret for secret in NEVER if secret in stream.getvalue()] == []


def _faults(settings: Settings) -> Iterator[Callable[[], Awaitable[Any]]]:
    mailer, mailbox = mailer_of(settings), mailbox_of(settings)
    token = settings.slack_bot_token
    assert mailer is not None
    assert mailbox is not None
    assert token is not None

    async def slack() -> None:
        async with SlackClient.open(token.get_secret_value(), settings.slack_api_url) as client:
            await client.auth_test()

    yield lambda: check_reachable(Database(settings.address()))
    yield slack
    yield mailer.greet
    yield lambda: asyncio.to_thread(mailbox.open)
