"""Every key the sandbox sends is one Slack sends, and the keys apps live by are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.sandbox import Sandbox
from tests.sandbox.slack_bot import ACTIONS, BUTTON, SECTION, Bot, dialog

Json = dict[str, Any]
SAMPLES = (
    Path(__file__).resolve().parents[3]
    / "shared"
    / "slack-data"
    / "java-slack-sdk"
    / "json-logs"
    / "samples"
)
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no payload samples at {SAMPLES}")

# What the samples leave empty or were recorded too early to have.
UNSAMPLED = {
    "view.blocks": "the samples carry no blocks in views",
    "response_urls": "sent with every submission, empty unless a select asks for one",
    "event.view.blocks": "as view.blocks",
}
OPEN = ("state", "values", "blocks", "profile", "metadata", "attachments")


def sample(path: str) -> Json:
    return dict(json.loads((SAMPLES / path).read_text()))


def strange(sent: Any, known: Any, where: str = "") -> list[str]:
    """Paths of keys that were sent and that the sample does not have."""
    if isinstance(sent, list) and isinstance(known, list) and known:
        return [path for item in sent for path in strange(item, known[0], where)]
    if not isinstance(sent, dict) or not isinstance(known, dict):
        return []
    found: list[str] = []
    for key, value in sent.items():
        path = f"{where}.{key}".lstrip(".")
        if key not in known and path not in UNSAMPLED:
            found.append(path)
        elif key in known and key not in OPEN:
            found += strange(value, known[key], path)
    return found


async def heard(bot: Bot, kind: str, act: Any) -> Json:
    assert (await act)["ok"]
    return bot.bodies(kind)[-1]


async def test_a_slash_command_has_slacks_fields(sandbox: Sandbox, bot: Bot) -> None:
    body = await heard(bot, "command", sandbox.command("UANA", "CGENERAL", "/bill", "help"))
    known = sample("app-backend/slash-commands/SlashCommandPayload.json")
    assert strange(body, known) == []
    assert set(known) - set(body) == {"enterprise_id", "enterprise_name"}


async def test_clicks_have_slacks_fields(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient
) -> None:
    known = sample("app-backend/interactive-components/BlockActionPayload.json")
    posted = await client.chat_postMessage(channel="CGENERAL", text="x", blocks=[ACTIONS])
    click = {**BUTTON, "block_id": "buttons"}
    in_message = sandbox.interact("UANA", "CGENERAL", posted["ts"], click)
    assert strange(await heard(bot, "action", in_message), known) == []
    view = sandbox.slack.surfaces.open("UANA", dialog(ACTIONS))
    in_view = sandbox.interact("UANA", None, None, click, view["id"])
    body = await heard(bot, "action", in_view)
    assert strange(body, known) == []
    assert set(known["view"]) <= set(body["view"])
    needed = {"type", "user", "team", "api_app_id", "token", "container", "trigger_id", "actions"}
    assert needed <= set(body)


async def test_dialogs_have_slacks_fields(sandbox: Sandbox, bot: Bot) -> None:
    view = sandbox.slack.surfaces.open("UANA", dialog())
    submitted = sandbox.submit("UANA", view["id"], {"reason": "because"})
    body = await heard(bot, "submission", submitted)
    known = sample("app-backend/views/ViewSubmissionPayload.json")
    assert strange(body, known) == []
    assert set(known["view"]) <= set(body["view"])
    view = sandbox.slack.surfaces.open("UANA", dialog(notify_on_close=True))
    closed = await heard(bot, "closed", sandbox.close("UANA", view["id"]))
    assert strange(closed, sample("app-backend/views/ViewClosedPayload.json")) == []


# The sample of one event lacks what later ones have in the wrapping; what any has, Slack sends.
WRAPPINGS = ("MessagePayload", "MemberJoinedChannelPayload")


def event_sample(name: str) -> Json:
    wrapping: Json = {}
    for one in WRAPPINGS:
        wrapping |= sample(f"events/{one}.json")
    return {**wrapping, "event": sample(f"events/{name}.json")["event"]}


async def test_message_events_have_slacks_fields(
    sandbox: Sandbox, bot: Bot, client: AsyncWebClient
) -> None:
    metadata = {"event_type": "countersign", "event_payload": {"k": "1"}}
    posted = await client.chat_postMessage(
        channel="CGENERAL", text="x", blocks=[SECTION], metadata=metadata
    )
    said = await sandbox.message("UANA", "CGENERAL", "hello", thread_ts=posted["ts"])
    await sandbox.edit("UANA", "CGENERAL", said["ts"], "hello again")
    await sandbox.delete("UANA", "CGENERAL", said["ts"])
    seen = {body["event"].get("subtype", "posted"): body for body in bot.bodies("event")}
    assert set(seen) == {"posted", "message_changed", "message_deleted"}
    names = {
        "posted": "MessagePayload",
        "message_changed": "MessageChangedPayload",
        "message_deleted": "MessageDeletedPayload",
    }
    for subtype, name in names.items():
        assert strange(seen[subtype], event_sample(name)) == [], subtype
    for body in bot.bodies("event"):
        assert strange(body, event_sample(names[body["event"].get("subtype", "posted")])) == []


async def test_other_events_have_slacks_fields(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.slack.surfaces.publish("UANA", {"type": "home", "blocks": [SECTION]})
    await sandbox.open_home("UANA")
    await sandbox.change_user("UKIM", deleted=True)
    await sandbox.change_channel("CGENERAL", invite=["UGUEST"])
    await sandbox.message("UANA", "CGENERAL", f"<@{sandbox.bot_user_id}> help")
    await sandbox.change_channel("CGENERAL", is_archived=True)
    names = {
        "app_home_opened": "AppHomeOpenedPayload",
        "app_mention": "AppMentionPayload",
        "message": "MessagePayload",
        "user_change": "UserChangePayload",
        "member_joined_channel": "MemberJoinedChannelPayload",
        "channel_archive": "ChannelArchivePayload",
    }
    bodies = {body["event"]["type"]: body for body in bot.bodies("event")}
    assert set(bodies) == set(names)
    for kind, name in names.items():
        known = event_sample(name)
        if kind == "user_change":
            known["event"]["event_ts"] = ""
        assert strange(bodies[kind], known) == [], kind
