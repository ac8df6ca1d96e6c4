"""Files: announced, uploaded once, completed, shown, downloaded with the token."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.fake_slack.app import serve
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.world.files import file_json
from tests.sandbox.slack_bot import WORKSPACE, error_of

Json = dict[str, Any]


async def fetched(url: str, **headers: str) -> tuple[str, bytes]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.content_type, await answer.read()


async def test_a_file_goes_up_and_comes_down_again(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    uploaded = await client.files_upload_v2(
        content=b"a,b\n1,2\n", filename="usage.csv", title="Usage", channel="CGENERAL"
    )
    file = (await client.files_info(file=uploaded["file"]["id"]))["file"]
    assert (file["title"], file["mimetype"], file["size"]) == ("Usage", "text/csv", 8)
    assert file["channels"] == ["CGENERAL"]
    token = f"Bearer {sandbox.bot_token}"
    assert await fetched(file["url_private"], Authorization=token) == ("text/csv", b"a,b\n1,2\n")
    kind, _ = await fetched(file["url_private_download"], Authorization="Bearer xoxb-other")
    assert kind == "text/html"
    (message,) = sandbox.messages("CGENERAL")
    assert message["files"][0]["id"] == file["id"]


async def test_a_bot_without_the_scope_is_sent_to_sign_in() -> None:
    manifest = {"oauth_config": {"scopes": {"bot": ["files:write"]}}}
    sandbox = Sandbox(workspace=WORKSPACE, manifest=manifest)
    async with serve(sandbox), aiohttp.ClientSession() as session:
        kept = sandbox.slack.files.store("a.csv", "UANA", 0, b"a")
        address = file_json(kept, sandbox.base_url)["url_private_download"]
        token = {"Authorization": f"Bearer {sandbox.bot_token}"}
        async with session.get(address, headers=token, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"][:8]) == (302, "/?redir=")


async def test_an_upload_address_takes_the_announced_bytes_once(client: AsyncWebClient) -> None:
    announced = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    async with aiohttp.ClientSession() as session:
        statuses = []
        for content in (b"four", b"abc", b"abc"):
            async with session.post(announced["upload_url"], data=content) as answer:
                statuses.append(answer.status)
    assert statuses == [400, 200, 404]


async def test_a_form_upload_is_taken_too(client: AsyncWebClient) -> None:
    announced = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    form = aiohttp.FormData()
    form.add_field("file", b"abc", filename="a.txt")
    async with (
        aiohttp.ClientSession() as session,
        session.post(announced["upload_url"], data=form) as answer,
    ):
        assert answer.status == 200
    completed = await client.files_completeUploadExternal(files=[{"id": announced["file_id"]}])
    assert completed["files"][0]["title"] == "a.txt"


@pytest.mark.parametrize(
    ("method", "args", "error"),
    [
        ("files.getUploadURLExternal", {"filename": "a", "length": 0}, "invalid_arguments"),
        (
            "files.getUploadURLExternal",
            {"filename": "a", "length": 1, "alt_txt": "x" * 1_001},
            "alt_txt_too_large",
        ),
        ("files.completeUploadExternal", {"files": "[]"}, "invalid_arguments"),
        ("files.completeUploadExternal", {"files": '[{"id":"F1"}]'}, "file_not_found"),
        ("files.info", {"file": "F1"}, "file_not_found"),
    ],
)
async def test_a_file_that_cannot_be_is_refused(
    client: AsyncWebClient, method: str, args: Json, error: str
) -> None:
    assert await error_of(client.api_call(method, params=args)) == error


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("CNOWHERE", "channel_not_found"),
        ("COUTSIDE", "not_in_channel"),
        ("COLD", "posting_to_channel_denied"),
    ],
)
async def test_a_file_is_shared_only_where_the_app_may_post(
    client: AsyncWebClient, channel: str, error: str
) -> None:
    call = client.files_upload_v2(content=b"abc", filename="a.txt", channel=channel)
    assert await error_of(call) == error


async def test_an_image_may_show_a_completed_file_and_no_other(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    announced = await client.files_getUploadURLExternal(filename="chart.png", length=3)
    file_id = announced["file_id"]
    image: Json = {"type": "image", "alt_text": "Usage is up", "slack_file": {"id": file_id}}
    early = client.chat_postMessage(channel="CGENERAL", text="chart", blocks=[image])
    assert await error_of(early) == "invalid_blocks"
    async with aiohttp.ClientSession() as session:
        await session.post(announced["upload_url"], data=b"png")
    await client.files_completeUploadExternal(files=[{"id": file_id}])
    assert (await client.chat_postMessage(channel="CGENERAL", text="chart", blocks=[image]))["ok"]
    page = f"{sandbox.base_url}/_page/files/{file_id}"
    assert await fetched(page) == ("image/png", b"png")
    address = (await client.files_info(file=file_id))["file"]["url_private"]
    by_address = {**image, "slack_file": {"url": address}}
    assert (await client.chat_postMessage(channel="CGENERAL", text="x", blocks=[by_address]))["ok"]
