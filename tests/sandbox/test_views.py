"""`views.*` and `blocks.validate`: triggers, the stack, hashes, surfaces."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.sandbox import Sandbox
from tests.sandbox.slack_bot import SECTION, Clock, dialog, error_of, field_block, refusal_of

Json = dict[str, Any]
HOME: Json = {"type": "home", "blocks": [SECTION]}


def trigger(sandbox: Sandbox, user: str = "UANA", *, in_modal: bool = False) -> str:
    return sandbox.slack.triggers.issue(user, in_modal=in_modal)


async def test_a_trigger_opens_one_dialog(sandbox: Sandbox, client: AsyncWebClient) -> None:
    trigger_id = trigger(sandbox)
    view = (await client.views_open(trigger_id=trigger_id, view=dialog()))["view"]
    assert sandbox.views("UANA")["stack"] == [view]
    assert (view["root_view_id"], view["app_id"]) == (view["id"], sandbox.installation.app_id)
    again = client.views_open(trigger_id=trigger_id, view=dialog())
    assert await error_of(again) == "exchanged_trigger_id"


async def test_a_trigger_lives_three_seconds(
    sandbox: Sandbox, client: AsyncWebClient, clock: Clock
) -> None:
    trigger_id = trigger(sandbox)
    clock.now += 3.1
    late = client.views_open(trigger_id=trigger_id, view=dialog())
    assert await error_of(late) == "expired_trigger_id"
    invented = client.views_open(trigger_id="1.2.abc", view=dialog())
    assert await error_of(invented) == "invalid_trigger_id"
    missing = await refusal_of(client.api_call("views.open", json={"view": dialog()}))
    assert missing["response_metadata"]["messages"] == [
        "[ERROR] missing required field: trigger_id"
    ]


async def test_a_refused_view_leaves_its_trigger_whole(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    trigger_id = trigger(sandbox)
    bad = dialog(title={"type": "plain_text", "text": "x" * 25})
    assert await error_of(client.views_open(trigger_id=trigger_id, view=bad)) == "invalid_arguments"
    assert (await client.views_open(trigger_id=trigger_id, view=dialog()))["ok"]


@pytest.mark.parametrize(
    ("view", "pointer"),
    [
        (dialog(title={"type": "plain_text", "text": "x" * 25}), "/view/title"),
        (dialog(submit=None), "/view"),
        (dialog(private_metadata="x" * 3_001), "/view/private_metadata"),
        (dialog(*[SECTION] * 101), "/view/blocks"),
        (HOME, "/view/type"),
    ],
)
async def test_a_view_slack_would_not_show_is_refused_with_the_place(
    sandbox: Sandbox, client: AsyncWebClient, view: Json, pointer: str
) -> None:
    given = {key: value for key, value in view.items() if value is not None}
    refused = await refusal_of(client.views_open(trigger_id=trigger(sandbox), view=given))
    assert refused["error"] == "invalid_arguments"
    assert f"[json-pointer:{pointer}" in refused["response_metadata"]["messages"][0]


async def test_a_view_has_at_most_250_kilobytes(sandbox: Sandbox, client: AsyncWebClient) -> None:
    options = [
        {"text": {"type": "plain_text", "text": f"{n:0>75}"}, "value": f"{n:0>150}"}
        for n in range(100)
    ]
    blocks = [
        field_block(f"b{n}", {"type": "static_select", "action_id": "s", "options": options})
        for n in range(10)
    ]
    large = client.views_open(trigger_id=trigger(sandbox), view=dialog(*blocks))
    assert await error_of(large) == "view_too_large"


async def test_three_dialogs_are_the_most(sandbox: Sandbox, client: AsyncWebClient) -> None:
    root = (await client.views_open(trigger_id=trigger(sandbox), view=dialog()))["view"]

    async def push() -> Json:
        trigger_id = trigger(sandbox, in_modal=True)
        return dict((await client.views_push(trigger_id=trigger_id, view=dialog()))["view"])

    second = await push()
    assert (second["root_view_id"], second["previous_view_id"]) == (root["id"], root["id"])
    await push()
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await push()
    assert len(sandbox.views("UANA")["stack"]) == 3


async def test_a_dialog_is_pushed_only_from_a_dialog(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    outside = client.views_push(trigger_id=trigger(sandbox), view=dialog())
    assert await error_of(outside) == "not_found"
    closed = client.views_push(trigger_id=trigger(sandbox, in_modal=True), view=dialog())
    assert await error_of(closed) == "not_found"


async def test_an_update_needs_the_hash_it_was_given(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    view = (await client.views_open(trigger_id=trigger(sandbox), view=dialog()))["view"]
    fresh = (await client.views_update(view_id=view["id"], view=dialog(), hash=view["hash"]))[
        "view"
    ]
    assert fresh["id"] == view["id"]
    stale = client.views_update(view_id=view["id"], view=dialog(), hash=view["hash"])
    assert await error_of(stale) == "hash_conflict"
    assert (await client.views_update(view_id=view["id"], view=dialog()))["ok"]


async def test_an_update_finds_a_dialog_by_its_external_id(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    view = dialog(external_id="bill:42")
    await client.views_open(trigger_id=trigger(sandbox), view=view)
    assert (await client.views_update(external_id="bill:42", view=view))["ok"]
    twice = client.views_open(trigger_id=trigger(sandbox, "UKIM"), view=view)
    assert await error_of(twice) == "duplicate_external_id"
    neither = client.api_call("views.update", json={"view": view})
    assert await error_of(neither) == "invalid_arguments"


async def test_a_closed_dialog_cannot_be_updated(sandbox: Sandbox, client: AsyncWebClient) -> None:
    view = (await client.views_open(trigger_id=trigger(sandbox), view=dialog()))["view"]
    await sandbox.close("UANA", view["id"])
    gone = client.views_update(view_id=view["id"], view=dialog())
    assert await error_of(gone) == "not_found"


async def test_home_is_published_for_one_person(sandbox: Sandbox, client: AsyncWebClient) -> None:
    first = (await client.views_publish(user_id="UANA", view=HOME))["view"]
    second = (await client.views_publish(user_id="UANA", view=HOME, hash=first["hash"]))["view"]
    assert second["id"] == first["id"]
    assert sandbox.views("UANA")["home"] == second
    assert sandbox.views("UKIM")["home"] is None
    stale = client.views_publish(user_id="UANA", view=HOME, hash=first["hash"])
    assert await error_of(stale) == "hash_conflict"
    early = client.views_publish(user_id="UKIM", view=HOME, hash=first["hash"])
    assert await error_of(early) == "hash_conflict"
    nobody = client.views_publish(user_id="UNOBODY", view=HOME)
    assert await error_of(nobody) == "invalid_arguments"
    modal = client.views_publish(user_id="UANA", view=dialog())
    assert await error_of(modal) == "invalid_arguments"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"message": {"blocks": [{"type": "section"}]}}, "invalid_message"),
        ({"message": []}, "invalid_message"),
        ({"view": {"type": "modal"}}, "invalid_view"),
        ({}, "invalid_arguments"),
        ({"blocks": [], "view": {}}, "invalid_arguments"),
        ({"blocks": [{"type": "divider", "block_id": "x" * 100_000}]}, "invalid_arguments"),
    ],
)
async def test_blocks_are_validated_without_being_shown(
    client: AsyncWebClient, args: Json, error: str
) -> None:
    assert await error_of(client.api_call("blocks.validate", json=args)) == error


async def test_valid_blocks_pass_and_flaws_have_a_pointer(client: AsyncWebClient) -> None:
    assert (await client.blocks_validate(blocks=[SECTION]))["ok"]
    assert (await client.blocks_validate(view=dialog()))["ok"]
    assert (await client.blocks_validate(message={"blocks": [SECTION]}))["ok"]
    bad = {"type": "header", "text": {"type": "mrkdwn", "text": "x"}}
    refused = await refusal_of(client.blocks_validate(blocks=[SECTION, bad]))
    assert refused["errors"][0]["pointer"].startswith("/1/")
