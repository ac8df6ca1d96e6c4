"""Whatever may be sent once is sent once, whatever becomes of the answer to it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.slack.bolt import make_bolt
from bot.slack.client import ErrorKind, SlackClient, SlackError
from bot.slack.responder import SlackResponder
from handlers.slack.answers import Unanswered
from handlers.slack.blocks import block_kit
from handlers.slack.blocks.access import access_granted
from models.people.permissions import Role
from sandbox.fake_slack.sandbox import Sandbox

MESSAGE = access_granted(Role.SALES)
DIALOG = block_kit.modal("Why?", [block_kit.section("Because.")])
HOME = block_kit.home_tab([block_kit.section("Nothing waits for you.")])
PLACE = "CAPPROVALS"
FOREVER = 0

Act = Callable[[Sandbox, SlackClient], Awaitable[Any]]


@pytest.fixture
def _kim_is_there(slack: Sandbox) -> None:
    slack.workspace.conversations[PLACE].members["UKIM"] = None


def address(slack: Sandbox) -> str:
    return f"{slack.base_url}/response/{slack.slack.response_urls.issue(PLACE, 'UKIM')}"


ACTS: dict[str, tuple[str, Act]] = {
    "a message": ("chat.postMessage", lambda _, client: client.post(PLACE, "k", MESSAGE)),
    "a message by Bolt": (
        "chat.postMessage",
        lambda slack, client: _by_bolt(client),
    ),
    "a private message": (
        "chat.postEphemeral",
        lambda _, client: SlackResponder(client).post_ephemeral(PLACE, "UKIM", MESSAGE),
    ),
    "a private answer": (
        "response_url",
        lambda slack, client: SlackResponder(client).respond(address(slack), MESSAGE),
    ),
    "an answer for all": (
        "response_url",
        lambda slack, client: SlackResponder(client).respond(address(slack), MESSAGE, shared=True),
    ),
}
LOSSES: list[dict[str, Any]] = [
    {"kind": "lost_response", "times": FOREVER},
    {"kind": "error", "status": 500, "effect": True, "times": FOREVER},
    {"kind": "error", "status": 503, "effect": True, "times": FOREVER},
    {"kind": "error", "error": "fatal_error", "effect": True, "times": FOREVER},
]


async def _by_bolt(client: SlackClient) -> None:
    bolt = make_bolt(client, await client.auth_test())
    bolt.client.token = client.token
    await bolt.client.chat_postMessage(channel=PLACE, text="Hello.")


@pytest.mark.usefixtures("_kim_is_there")
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: str(list(loss.values())[:2]))
@pytest.mark.parametrize("what", ACTS)
async def test_what_was_sent_stands_once_though_the_answer_is_lost(
    slack: Sandbox, gateway: SlackClient, what: str, loss: dict[str, Any]
) -> None:
    method, act = ACTS[what]
    await slack.fault(method=method, **loss)
    with pytest.raises(Exception) as told:
        await act(slack, gateway)
    assert len(slack.messages(PLACE)) == 1
    if what != "a message by Bolt":
        unknown = isinstance(told.value, SlackError) and told.value.kind is ErrorKind.UNKNOWN
        assert unknown or isinstance(told.value, Unanswered)


@pytest.mark.usefixtures("_kim_is_there")
@pytest.mark.parametrize("what", [what for what in ACTS if "message" not in what])
async def test_a_short_rate_limit_is_sat_out_where_a_person_waits(
    slack: Sandbox, gateway: SlackClient, what: str
) -> None:
    method, act = ACTS[what]
    await slack.fault(method=method, kind="ratelimited", retry_after=1)
    await act(slack, gateway)
    assert len(slack.messages(PLACE)) == 1


async def test_a_long_rate_limit_is_not(slack: Sandbox, gateway: SlackClient) -> None:
    await slack.fault(method="response_url", kind="ratelimited", retry_after=30)
    with pytest.raises(SlackError) as told:
        await SlackResponder(gateway).respond(address(slack), MESSAGE)
    assert told.value.kind is ErrorKind.RATE_LIMITED
    assert told.value.retry_after_s == 30


# -- dialogs and Home --------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [{"kind": "cut"}, *({**one, "times": 1} for one in LOSSES)])
async def test_a_trigger_tells_whether_the_dialog_is_open(
    slack: Sandbox, gateway: SlackClient, loss: dict[str, Any]
) -> None:
    await slack.fault(method="views.open", **loss)
    await SlackResponder(gateway).open_view(slack.slack.triggers.issue("UKIM"), DIALOG)
    assert len(slack.views("UKIM")["stack"]) == 1


async def test_a_dialog_that_nobody_knows_of_is_open_once(
    slack: Sandbox, gateway: SlackClient
) -> None:
    await slack.fault(method="views.open", kind="lost_response", times=FOREVER)
    with pytest.raises(Unanswered):
        await SlackResponder(gateway).open_view(slack.slack.triggers.issue("UKIM"), DIALOG)
    assert len(slack.views("UKIM")["stack"]) == 1


async def test_a_trigger_that_was_used_up_before_opens_no_dialog(
    slack: Sandbox, gateway: SlackClient
) -> None:
    trigger = slack.slack.triggers.issue("UKIM")
    await SlackResponder(gateway).open_view(trigger, DIALOG)
    with pytest.raises(SlackError, match="exchanged_trigger_id"):
        await SlackResponder(gateway).open_view(trigger, DIALOG)


async def test_home_that_perhaps_is_drawn_is_said_to_be(
    slack: Sandbox, gateway: SlackClient
) -> None:
    await slack.fault(method="views.publish", kind="lost_response")
    with pytest.raises(Unanswered):
        await SlackResponder(gateway).publish_home("UKIM", HOME)
    assert slack.views("UKIM")["home"]["blocks"][0]["text"]["text"] == "Nothing waits for you."


# -- what response addresses say -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"error": "used_url"}, ErrorKind.PERMANENT),
        ({"error": "an_error_of_next_year"}, ErrorKind.TRANSIENT),
        ({"status": 404}, ErrorKind.TRANSIENT),
    ],
    ids=str,
)
async def test_a_response_address_says_no_under_any_status(
    slack: Sandbox, gateway: SlackClient, fault: dict[str, Any], kind: ErrorKind
) -> None:
    await slack.fault(method="response_url", kind="error", **fault)
    with pytest.raises(SlackError) as told:
        await SlackResponder(gateway).respond(address(slack), MESSAGE)
    assert told.value.kind is kind


async def test_bolt_asks_nothing_before_the_first_request(
    slack: Sandbox, gateway: SlackClient
) -> None:
    identity = await gateway.auth_test()
    await slack.fault(method="auth.test", kind="cut", times=FOREVER)
    bolt = make_bolt(gateway, identity)
    assert bolt.client.retry_handlers == []
    assert bolt.client.token is None
