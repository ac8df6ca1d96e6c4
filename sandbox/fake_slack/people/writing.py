"""What people do in the workspace: type commands and messages, edit, delete, open Home."""

import uuid

from sandbox.fake_slack.api.response_urls import message_in_ack, respond
from sandbox.fake_slack.delivery.delivery import Ack, Delivery
from sandbox.fake_slack.delivery.payloads import changed_event, deleted_event, slash_command
from sandbox.fake_slack.shapes import JsonObject, Refused, SlackError
from sandbox.fake_slack.world.installation import Command
from sandbox.fake_slack.world.message_text import as_rich_text, command_text, escaped
from sandbox.fake_slack.world.slack import Slack
from sandbox.fake_slack.world.surfaces import ResponseUrl
from sandbox.fake_slack.world.workspace import Change, Conversation, User

# What the app did -> what Slack tells the person.
_NO_ANSWER = {"timeout": "operation_timeout", "http_timeout": "operation_timeout"}


def find_user(slack: Slack, user_id: str) -> User:
    """Whoever acts. Guests, bots and deactivated people are let through: a click can be on its
    way when an account is closed, and it is the app that must refuse it."""
    user = slack.workspace.users.get(user_id)
    if user is None:
        raise Refused("user_not_found", user_id)
    return user


def find_conversation(slack: Slack, reference: str) -> Conversation:
    conversation = slack.workspace.conversation(reference)
    if conversation is None:
        raise Refused("channel_not_found", reference)
    return conversation


def require_ack(ack: Ack) -> Ack:
    """The acknowledgement, or what Slack shows a person when there was none."""
    if not ack.ok:
        raise Refused(_NO_ANSWER.get(ack.error, "dispatch_failed"), ack.error)
    return ack


class Writing:
    """Commands, messages and Home. Each raises Refused for what the client would not allow."""

    def __init__(self, slack: Slack, delivery: Delivery) -> None:
        self._slack = slack
        self._delivery = delivery

    async def command(self, user: str, channel: str, command: str, text: str = "") -> JsonObject:
        """Types a slash command; the answer in its acknowledgement comes back as `message`."""
        person, conversation = find_user(self._slack, user), find_conversation(self._slack, channel)
        known = self._known(command)
        if not self._slack.workspace.sees(person.id, conversation):
            raise Refused("channel_not_found", channel)
        conversation.opened = True
        typed = command_text(text.strip(), self._slack.workspace, should_escape=known.should_escape)
        payload = slash_command(self._slack, person, conversation, known.command, typed)
        ack = require_ack(await self._delivery.ask("slash_commands", payload))
        return {"ok": True, "message": self._answered(ack, conversation, person)}

    def _known(self, command: str) -> Command:
        for one in self._slack.installation.commands:
            if one.command == command:
                return one
        raise Refused("invalid_command", f"{command} is not a valid command")

    def _answered(self, ack: Ack, conversation: Conversation, person: User) -> JsonObject | None:
        answer = message_in_ack(ack.payload)
        if answer is None:
            return None
        url = ResponseUrl(conversation.id, person.id, 0.0)
        try:
            return respond(self._slack, url, answer)
        except SlackError as error:
            raise Refused("invalid_command_response", error.code, **error.extra) from None

    async def message(
        self, user: str, channel: str, text: str, thread_ts: str | None = None
    ) -> JsonObject:
        """Posts what somebody typed; `acked` says whether the app took the event in time."""
        person, conversation = find_user(self._slack, user), find_conversation(self._slack, channel)
        written: JsonObject = {
            "client_msg_id": str(uuid.uuid4()),
            "user": person.id,
            "team": person.team_id,
            "text": escaped(text),
            "blocks": as_rich_text(text),
        }
        if thread_ts:
            if thread_ts not in conversation.messages:
                raise Refused("thread_not_found", thread_ts)
            parent = conversation.messages[thread_ts]
            written["thread_ts"] = parent.get("thread_ts", thread_ts)
        if conversation.is_archived:
            raise Refused("is_archived")
        posted = self._slack.workspace.post(conversation, written)
        told = self._delivery.message(conversation, posted)
        called = self._delivery.mention(conversation, posted)
        acks = [await told, await called]
        acked = all(ack.ok for ack in acks)
        return {"ok": True, "channel": conversation.id, "ts": posted["ts"], "acked": acked}

    async def edit(self, user: str, channel: str, ts: str, text: str) -> JsonObject:
        conversation, message = self._own(user, channel, ts)
        changes = {"text": escaped(text), "blocks": as_rich_text(text)}
        before = self._slack.workspace.revise(conversation, message, changes, user)
        event = changed_event(message, before)
        ack = await self._delivery.message(conversation, event)
        return {"ok": True, "channel": conversation.id, "ts": ts, "acked": ack.ok}

    async def delete(self, user: str, channel: str, ts: str) -> JsonObject:
        conversation, message = self._own(user, channel, ts)
        gone = self._slack.workspace.remove(conversation, message["ts"])
        event = deleted_event(gone, self._slack.workspace.next_ts())
        ack = await self._delivery.message(conversation, event)
        return {"ok": True, "channel": conversation.id, "ts": ts, "acked": ack.ok}

    def _own(self, user: str, channel: str, ts: str) -> tuple[Conversation, JsonObject]:
        person, conversation = find_user(self._slack, user), find_conversation(self._slack, channel)
        message = conversation.messages.get(ts)
        if message is None:
            raise Refused("message_not_found", ts)
        if message.get("user") != person.id:
            raise Refused("cant_update_message", "people change only what they wrote themselves")
        return conversation, message

    async def open_home(self, user: str) -> JsonObject:
        """Opens the app's Home tab; `view` is what was published by the time the app answered."""
        person = find_user(self._slack, user)
        conversation = self._slack.workspace.dm(person.id)
        conversation.opened = True
        home = self._slack.surfaces.homes.get(person.id)
        event: JsonObject = {
            "type": "app_home_opened",
            "user": person.id,
            "channel": conversation.id,
            "tab": "home",
            "event_ts": self._slack.workspace.next_ts(),
        }
        if home is not None:
            event["view"] = home
        ack = await self._delivery.event("app_home_opened", event)
        self._slack.workspace.changed(Change(users=frozenset({person.id}), views=True))
        home = self._slack.surfaces.homes.get(person.id)
        return {"ok": True, "acked": ack.ok, "view": home}
