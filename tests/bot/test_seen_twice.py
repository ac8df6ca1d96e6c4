"""What the tests' Slack notices, whatever a test looks at: that somebody sees a thing twice."""

from bot.mail.smtp import Mailer
from bot.mail.smtp_url import MailServer
from bot.slack.client import SlackClient
from bot.slack.responder import SlackResponder
from handlers.slack.blocks.access import access_granted
from models.people.permissions import Role
from tests.bot.test_mail import LETTER, SENDER
from tests.harness.watched_slack import WatchedSandbox

PLACE = "CAPPROVALS"
MESSAGE = access_granted(Role.SALES)


async def test_a_promise_kept_twice_is_noticed(slack: WatchedSandbox, gateway: SlackClient) -> None:
    for key in ("one", "one", "two"):
        await gateway.post(PLACE, key, MESSAGE)
    assert slack.seen_twice() == [f"{PLACE} has one 2 times"]
    await slack.reset()


async def test_an_answer_given_twice_is_noticed_and_one_asked_for_twice_is_not(
    slack: WatchedSandbox, gateway: SlackClient
) -> None:
    slack.workspace.conversations[PLACE].members["UKIM"] = None
    answer = SlackResponder(gateway).post_ephemeral
    for _ in range(2):
        await slack.message("UKIM", PLACE, "Who may approve?")
        await answer(PLACE, "UKIM", MESSAGE)
    assert slack.seen_twice() == []
    await answer(PLACE, "UKIM", MESSAGE)
    [noticed] = slack.seen_twice()
    assert "UKIM" in noticed
    assert "2 times" in noticed
    await slack.reset()


async def test_a_mail_that_comes_twice_is_noticed(slack: WatchedSandbox) -> None:
    mailer = Mailer(MailServer.parse(slack.smtp_url), SENDER)
    for _ in range(2):
        await mailer.send(LETTER)
    [noticed] = slack.seen_twice()
    assert "<2026-000123.a1b2c3@meridian.example>" in noticed
    await slack.reset()
