"""The log is JSON, a line each, and keeps secrets."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.logs import HIDDEN, configure_logging

SECRETS = {
    "device": "css_0123456789abcdefghij-_0123456789",
    "script": "cst_0123456789abcdefghij-_0123456789",
    "link": "csl_0123456789abcdefghij-_0123456789",
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
    "(1, kim, $2b$12$/NDxgpckv/6cMAXGWWheIu4g9bFhVCPFClSigTBULa8n0a558.7i6)"
)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What goes to stderr, while the log is set up as in earnest."""
    root = logging.getLogger()
    before, level, config = root.handlers[:], root.level, structlog.get_config()
    configure_logging(["5f5f5f5f"])
    stream = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**config)


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
