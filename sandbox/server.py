"""The sandbox as one object: start it, let the bot connect, act as people, look at what came."""

import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from sandbox.acts import Acts
from sandbox.answers import Answers
from sandbox.context import Slack
from sandbox.control import control_routes
from sandbox.delivery import ACK_S, RETRY_DELAYS_S, Delivery
from sandbox.dialogs import Dialogs
from sandbox.downloads import Downloads
from sandbox.faults import Faults
from sandbox.files import FileStore
from sandbox.installation import Installation
from sandbox.mailbox import Mailbox
from sandbox.page_api import PageApi
from sandbox.rates import Rates
from sandbox.scene import Scene
from sandbox.shapes import JsonObject, Refused
from sandbox.slack_api import SlackApi
from sandbox.sockets import SocketMode
from sandbox.surfaces import ResponseUrls, Surfaces, Triggers
from sandbox.troublemaker import Troublemaker
from sandbox.webhooks import Webhooks
from sandbox.workspace import Change, Conversation, User, Workspace

_LARGEST_BODY = 40_000_000


class Sandbox:
    """A Slack of one's own.

    `workspace` is what a `--workspace` file holds (`{"users": [...], "channels": [...]}`),
    `manifest` the app's parsed manifest, which grants scopes, events and commands. `mode` is
    `socket` or `http`; in `http` every payload goes to `bot_http_url`. `clock` gives seconds
    since the epoch and dates messages, triggers and rate limits. Coroutines that stand for what
    people do answer the JSON object that `/_control/` answers.
    """

    def __init__(  # noqa: PLR0913 - the sandbox's settings, each by name
        self,
        *,
        workspace: JsonObject | None = None,
        manifest: JsonObject | None = None,
        mode: str = "socket",
        host: str = "127.0.0.1",
        port: int = 0,
        bot_http_url: str | None = None,
        clock: Callable[[], float] = time.time,
        rate_limits: bool = True,
        retry_delays_s: Sequence[float] = RETRY_DELAYS_S,
        ack_s: float = ACK_S,
    ) -> None:
        """`ack_s`: how long the app may take to acknowledge, and a trigger lives."""
        self.installation = Installation.from_manifest(manifest)
        self.mode, self._host, self._port = mode, host, port
        self.base_url = ""
        self.database_url: str | None = None
        self.web_url: str | None = None
        self.hint: str | None = None
        self.ready: Callable[[], Awaitable[bool]] = self._connected
        self._runner: web.AppRunner | None = None
        self._compose(clock, bot_http_url, rate_limits, retry_delays_s, ack_s)
        given = workspace or {}
        for user in given.get("users", []):
            self.add_user(**user)
        for channel in given.get("channels", []):
            self.add_channel(**channel)

    def _compose(
        self,
        clock: Callable[[], float],
        bot_http_url: str | None,
        rate_limits: bool,
        retry_delays_s: Sequence[float],
        ack_s: float,
    ) -> None:
        installed = self.installation
        bot = User(
            installed.bot_user_id,
            installed.bot_name.lower(),
            installed.bot_name,
            installed.team_id,
            is_bot=True,
        )
        self.workspace = Workspace(installed.team_id, clock, bot=bot)
        self.faults = Faults(clock)
        self.rates = Rates(clock, enforced=rate_limits)
        self.mailbox = Mailbox(self.faults, lambda: self.workspace.changed(Change(mail=True)))
        self.slack = Slack(
            self.workspace,
            installed,
            Surfaces(installed, clock),
            Triggers(clock, ack_s),
            ResponseUrls(clock),
            FileStore(),
            clock,
        )
        self.sockets = SocketMode(self.slack, self.faults, clock, ack_s)
        self.webhooks = Webhooks(installed, bot_http_url, ack_s)
        carrier = self.webhooks if self.mode == "http" else self.sockets
        self.delivery = Delivery(self.slack, carrier, self.faults, retry_delays_s)
        self.slack.news = self.delivery
        self.slack.websocket_url = self.sockets.address
        self._answers = Answers(self.slack, self.faults)
        self._acts = Acts(self.slack, self.delivery, self._answers)
        self._dialogs = Dialogs(self.slack, self.delivery)
        self._trouble = Troublemaker(self.faults, self.rates, self.sockets)
        self._scene = Scene(self.slack, self.delivery)

    # -- who and where ---------------------------------------------------------------------

    @property
    def bot_token(self) -> str:
        return self.installation.bot_token

    @property
    def app_token(self) -> str:
        return self.installation.app_token

    @property
    def signing_secret(self) -> str:
        return self.installation.signing_secret

    @property
    def bot_user_id(self) -> str:
        return self.installation.bot_user_id

    @property
    def team_id(self) -> str:
        return self.installation.team_id

    @property
    def api_url(self) -> str:
        return f"{self.base_url}/api/"

    @property
    def bot_http_url(self) -> str | None:
        """Where payloads are posted in `http` mode; may be set once the bot's port is known."""
        return self.webhooks.url

    @bot_http_url.setter
    def bot_http_url(self, url: str) -> None:
        self.webhooks.url = url

    @property
    def smtp_url(self) -> str:
        return self.mailbox.url

    # -- life ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Opens the ports. With port 0 a free one is chosen; `base_url` names it."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        self.page = PageApi(self)
        for routes in (
            SlackApi(self.slack, self.rates, self.faults).routes(),
            self.sockets.routes(),
            self._answers.routes(),
            Downloads(self.slack).routes(),
            control_routes(self),
            self.page.routes(),
        ):
            app.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        port = self._runner.addresses[0][1]
        self.base_url = self.slack.base_url = f"http://{self._host}:{port}"
        await self.mailbox.start(self._host)

    async def stop(self) -> None:
        await self.delivery.stop()
        await self.sockets.stop()
        await self.webhooks.stop()
        await self.mailbox.stop()
        if self._runner is not None:
            self.page.stop()
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _connected(self) -> bool:
        return self.delivery.connected

    # -- setting the scene -----------------------------------------------------------------

    def add_user(
        self,
        *,
        id: str | None = None,  # noqa: A002 - Slack's own word
        name: str,
        **details: Any,
    ) -> User:
        """A new person. Details are `real_name`, `email`, `title`, `team_id` (another
        workspace's makes a stranger), `tz`, and the flags `is_restricted`, `is_ultra_restricted`,
        `is_admin`, `is_bot`, `deleted`."""
        return self._scene.add_user(id, name, details)

    def add_channel(
        self,
        *,
        id: str | None = None,  # noqa: A002 - Slack's own word
        name: str,
        members: Sequence[str] = (),
        bot: bool = True,
        **details: Any,
    ) -> Conversation:
        """A new channel, with the bot in it unless `bot` says otherwise. Details are
        `is_private`, `is_archived`, `is_ext_shared` and `topic`."""
        return self._scene.add_channel(id, name, members, details, bot=bot)

    async def change_user(self, user_id: str, **changes: Any) -> JsonObject:
        """Changes a person's fields; the app hears of it by `user_change`."""
        return await answered(self._scene.change_user(user_id, changes))

    async def change_channel(self, channel_id: str, **changes: Any) -> JsonObject:
        """`is_archived`, `is_ext_shared`, `invite` and `kick` (lists of users)."""
        return await answered(self._scene.change_channel(channel_id, **changes))

    async def reset(self) -> JsonObject:
        """Forgets messages, dialogs, Home pages, files, mail and faults; keeps people and
        channels."""
        self.delivery.forget()
        for store in (
            self.slack.surfaces,
            self.slack.triggers,
            self.slack.response_urls,
            self.slack.files,
            self._trouble,
            self.mailbox.mails,
        ):
            store.clear()
        self.workspace.clear_messages()
        self.workspace.changed(Change(views=True, mail=True))
        return {"ok": True}

    async def fault(self, **spec: Any) -> JsonObject:
        """Makes something go wrong: see `Troublemaker.order` and the fields of `Fault`."""
        return await answered(self._trouble.order(spec))

    # -- looking ---------------------------------------------------------------------------

    def messages(self, channel: str, user: str | None = None) -> list[JsonObject]:
        """Everything said there, oldest first; with `user`, without other people's private
        answers. Raises Refused for a channel there is not."""
        conversation = self.workspace.conversation(channel)
        if conversation is None:
            raise Refused("channel_not_found", channel)
        return [dict(message) for message in conversation.everything(user)]

    def dm(self, user_id: str) -> str:
        """The id of the conversation between this person and the bot."""
        if user_id not in self.workspace.users:
            raise Refused("user_not_found", user_id)
        return self.workspace.dm(user_id).id

    def views(self, user: str) -> JsonObject:
        """`{"stack": [...], "home": view or null}`, the topmost dialog last."""
        surfaces = self.slack.surfaces
        home = surfaces.homes.get(user)
        return {
            "stack": [dict(view) for view in surfaces.stack(user)],
            "home": None if home is None else dict(home),
        }

    def mail(self) -> list[JsonObject]:
        """The mail that has come, oldest first."""
        return [mail.as_json() for mail in self.mailbox.mails]

    # -- acting ----------------------------------------------------------------------------

    async def command(self, user: str, channel: str, command: str, text: str = "") -> JsonObject:
        answer = await answered(self._acts.command(user, channel, command, text))
        if answer["ok"] and f"{command} {text.strip()}" == self.hint:
            self.hint = None
        return answer

    async def message(
        self, user: str, channel: str, text: str, thread_ts: str | None = None
    ) -> JsonObject:
        return await answered(self._acts.message(user, channel, text, thread_ts))

    async def edit(self, user: str, channel: str, ts: str, text: str) -> JsonObject:
        return await answered(self._acts.edit(user, channel, ts, text))

    async def delete(self, user: str, channel: str, ts: str) -> JsonObject:
        return await answered(self._acts.delete(user, channel, ts))

    async def open_home(self, user: str) -> JsonObject:
        return await answered(self._acts.open_home(user))

    async def interact(
        self,
        user: str,
        channel: str | None,
        messageTs: str | None,  # noqa: N803 - the name in the JSON
        action: JsonObject,
        view_id: str | None = None,
        values: JsonObject | None = None,
    ) -> JsonObject:
        """Clicks `action` in a message, or in the dialog or Home `view_id`."""
        if view_id:
            return await answered(self._dialogs.click_view(user, view_id, action, values))
        where = (channel or "", messageTs or "")
        return await answered(self._dialogs.click_message(user, *where, action, values))

    async def submit(self, user: str, view_id: str, values: JsonObject) -> JsonObject:
        return await answered(self._dialogs.submit(user, view_id, values))

    async def close(self, user: str, view_id: str) -> JsonObject:
        return await answered(self._dialogs.close(user, view_id))

    async def suggest(
        self,
        user: str,
        action_id: str,
        block_id: str,
        value: str,
        *,
        view_id: str | None = None,
        channel: str | None = None,
        messageTs: str | None = None,  # noqa: N803 - the name in the JSON
    ) -> JsonObject:
        asked = self._dialogs.suggest(
            user,
            action_id,
            block_id,
            value,
            view_id=view_id,
            channel=channel,
            message_ts=messageTs,
        )
        return await answered(asked)


async def answered(act: Awaitable[JsonObject]) -> JsonObject:
    """The act's answer, or the refusal written as one."""
    try:
        return await act
    except Refused as refusal:
        return refusal.body()
