"""Upload addresses, and downloads that want the bot token."""

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
        """The content for the bot's token, and for a browser that shows it on the sandbox's own
        page; anybody else gets a sign-in page, as from Slack."""
        file = self._slack.files.files.get(request.match_info["file"])
        bearer = f"Bearer {self._slack.installation.bot_token}"
        known = bearer == request.headers.get("Authorization")
        known = known or request.headers.get("Sec-Fetch-Site") == "same-origin"
        if not known:
            return web.Response(content_type="text/html", text="<title>Sign in</title>")
        if file is None or file.content is None:
            return web.Response(status=404)
        return web.Response(body=file.content, content_type=file.mimetype)


async def _uploaded(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    part = await (await request.multipart()).next()
    return bytes(await part.read(decode=True)) if isinstance(part, BodyPartReader) else b""
