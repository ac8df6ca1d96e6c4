"""The sandbox as one object: act as people, look at what came, make things go wrong."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sandbox.fake_slack.delivery.delivery import ACK_S, RETRY_DELAYS_S, Delivery
from sandbox.fake_slack.delivery.sockets import SocketMode
from sandbox.fake_slack.delivery.webhooks import Webhooks
from sandbox.fake_slack.people.admin import Admin
from sandbox.fake_slack.people.clicking import Clicking
from sandbox.fake_slack.people.fault_orders import FaultOrders
from sandbox.fake_slack.people.writing import Writing
from sandbox.fake_slack.shapes import JsonObject, Refused
from sandbox.fake_slack.world.faults import Faults
from sandbox.fake_slack.world.files import FileStore
from sandbox.fake_slack.world.installation import Installation
from sandbox.fake_slack.world.rates import Rates
from sandbox.fake_slack.world.slack import Slack
from sandbox.fake_slack.world.surfaces import ResponseUrls, Surfaces, Triggers
from sandbox.fake_slack.world.workspace import Change, Conversation, User, Workspace
from sandbox.fake_smtp import FakeSmtp


class Sandbox:
    """A Slack of one's own; `serve` opens its ports.

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
        bot_http_url: str | None = None,
        clock: Callable[[], float] = time.time,
        rate_limits: bool = True,
        retry_delays_s: Sequence[float] = RETRY_DELAYS_S,
        ack_s: float = ACK_S,
    ) -> None:
        """`ack_s`: how long the app may take to acknowledge, and a trigger lives."""
        self.installation = Installation.from_manifest(manifest)
        self.mode = mode
        self.database_url: str | None = None
        self.web_url: str | None = None
        self.hint: str | None = None
        self.ready: Callable[[], Awaitable[bool]] = self._connected
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
        self.workspace = Workspace(installed.team_id, clock, bot=_bot_of(installed))
        self.faults = Faults(clock)
        self.rates = Rates(clock, enforced=rate_limits)
        self.smtp = FakeSmtp(
            self.faults.for_mail, lambda: self.workspace.changed(Change(mail=True))
        )
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
        transport = self.webhooks if self.mode == "http" else self.sockets
        self.delivery = Delivery(self.slack, transport, self.faults, retry_delays_s)
        self.slack.news = self.delivery
        self.slack.websocket_url = self.sockets.address
        self._writing = Writing(self.slack, self.delivery)
        self._clicking = Clicking(self.slack, self.delivery)
        self._fault_orders = FaultOrders(self.faults, self.rates, self.sockets)
        self._admin = Admin(self.slack, self.delivery)

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
    def base_url(self) -> str:
        """Where it is served; empty until then."""
        return self.slack.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self.slack.base_url = url

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
        return self.smtp.url

    # -- lifetime --------------------------------------------------------------------------

    async def stop(self) -> None:
        """Gives up what is still on its way, and ends every connection."""
        await self.delivery.stop()
        await self.sockets.stop()
        await self.webhooks.stop()
        await self.smtp.stop()

    async def _connected(self) -> bool:
        return self.delivery.connected

    # -- users and channels ----------------------------------------------------------------

    def add_user(
        self,
        *,
        id: str | None = None,  # noqa: A002 - Slack's own word
        name: str,
        **details: Any,
    ) -> User:
        """A new person. Details are `real_name`, `email`, `title`, `team_id` (another
        workspace's makes a stranger), `tz`, and the flags `is_restricted`, `is_ultra_restricted`,
        `is_admin`, `is_bot`, `deleted`, and those of a status."""
        return self._admin.add_user(id, name, details)

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
        return self._admin.add_channel(id, name, members, details, bot=bot)

    async def change_user(self, user_id: str, **changes: Any) -> JsonObject:
        """Changes a person's fields; the app hears of it by `user_change`."""
        return await answered(self._admin.change_user(user_id, changes))

    async def change_channel(self, channel_id: str, **changes: Any) -> JsonObject:
        """`is_archived`, `is_ext_shared`, `invite` and `kick` (lists of users)."""
        return await answered(self._admin.change_channel(channel_id, **changes))

    async def reset(self) -> JsonObject:
        """Forgets messages, dialogs, Home pages, files, mail and faults; keeps people and
        channels."""
        self.delivery.forget()
        for store in (
            self.slack.surfaces,
            self.slack.triggers,
            self.slack.response_urls,
            self.slack.files,
            self._fault_orders,
            self.smtp.mails,
            self.slack.warnings,
        ):
            store.clear()
        self.workspace.clear_messages()
        self.workspace.changed(Change(views=True, mail=True))
        return {"ok": True}

    async def fault(self, **spec: Any) -> JsonObject:
        """Makes something go wrong: see `FaultOrders.order` and the fields of `Fault`."""
        return await answered(self._fault_orders.order(spec))

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
        return [mail.as_json() for mail in self.smtp.mails]

    @property
    def warnings(self) -> list[str]:
        """`method: argument` for each argument that the app sent and the method has not."""
        return list(self.slack.warnings)

    async def until(self, holds: Callable[[], Any], within_s: float = ACK_S) -> Any:
        """What `holds` answers once that is true; asked after every change. Raises TimeoutError."""
        changed = asyncio.Event()

        def notice(_: Change) -> None:
            changed.set()

        self.workspace.listeners.append(notice)
        try:
            async with asyncio.timeout(within_s):
                while not (found := holds()):
                    changed.clear()
                    await changed.wait()
                return found
        finally:
            self.workspace.listeners.remove(notice)

    # -- acting ----------------------------------------------------------------------------

    async def command(self, user: str, channel: str, command: str, text: str = "") -> JsonObject:
        answer = await answered(self._writing.command(user, channel, command, text))
        if answer["ok"] and text.strip() and self._is_hinted(f"{command} {text.strip()}"):
            self.hint = None
        return answer

    def _is_hinted(self, typed: str) -> bool:
        """Whether it is what the hint says, its last words perhaps left out."""
        return f"{self.hint or ''} ".startswith(f"{typed} ")

    async def message(
        self, user: str, channel: str, text: str, thread_ts: str | None = None
    ) -> JsonObject:
        return await answered(self._writing.message(user, channel, text, thread_ts))

    async def edit(self, user: str, channel: str, ts: str, text: str) -> JsonObject:
        return await answered(self._writing.edit(user, channel, ts, text))

    async def delete(self, user: str, channel: str, ts: str) -> JsonObject:
        return await answered(self._writing.delete(user, channel, ts))

    async def open_home(self, user: str) -> JsonObject:
        return await answered(self._writing.open_home(user))

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
            return await answered(self._clicking.click_view(user, view_id, action, values))
        where = (channel or "", messageTs or "")
        return await answered(self._clicking.click_message(user, *where, action, values))

    async def submit(self, user: str, view_id: str, values: JsonObject) -> JsonObject:
        return await answered(self._clicking.submit(user, view_id, values))

    async def close(self, user: str, view_id: str) -> JsonObject:
        return await answered(self._clicking.close(user, view_id))

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
        asked = self._clicking.suggest(
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


def _bot_of(installed: Installation) -> User:
    name = installed.bot_name
    return User(installed.bot_user_id, name.lower(), name, installed.team_id, is_bot=True)
