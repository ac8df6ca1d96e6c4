"""Upload addresses, and downloads that want the bot token."""

from urllib.parse import quote

from aiohttp import BodyPartReader, web

from sandbox.fake_slack.shapes import SlackError
from sandbox.fake_slack.world.slack import Slack


class Downloads:
    """Serves `/upload/v1/KEY` and `/files-pri/ID/...`."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/upload/v1/{key}", self.upload),
            web.get("/files-pri/{file}/{name:.*}", self.download),
        ]

    async def upload(self, request: web.Request) -> web.Response:
        """Takes the raw body, or the first part of a form."""
        content = await _uploaded(request)
        try:
            file = self._slack.files.receive(request.match_info["key"], content)
        except SlackError as error:
            status = 404 if error.code == "file_not_found" else 400
            return web.Response(status=status, text=error.code)
        return web.Response(text=f"OK - {file.size}")

    async def download(self, request: web.Request) -> web.Response:
        """The content for the token of a bot with `files:read`, and for a browser that shows it on
        the sandbox's own page; anybody else is sent to sign in, as by Slack."""
        file = self._slack.files.files.get(request.match_info["file"])
        if not self._may_read(request):
            raise web.HTTPFound(f"/?redir={quote(request.path, safe='')}")
        if file is None or file.content is None:
            return web.Response(status=404)
        return web.Response(body=file.content, content_type=file.mimetype)

    def _may_read(self, request: web.Request) -> bool:
        installed = self._slack.installation
        is_bot = request.headers.get("Authorization") == f"Bearer {installed.bot_token}"
        is_page = request.headers.get("Sec-Fetch-Site") == "same-origin"
        return is_page or (is_bot and "files:read" in installed.scopes)


async def _uploaded(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    part = await (await request.multipart()).next()
    return bytes(await part.read(decode=True)) if isinstance(part, BodyPartReader) else b""
