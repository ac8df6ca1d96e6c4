"""What the workspace holds and who sees it: people, conversations, messages, threads.

Messages are kept as the JSON objects Slack would show, indexed by conversation and `ts`, so that
posting, updating and finding one cost the same in an empty channel and in a full one.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from typing import Any

from sandbox.fake_slack.shapes import JsonObject, SlackError, new_id


@dataclass
class User:
    """A person or a bot. `team_id` other than the workspace's makes a stranger of them."""

    id: str
    name: str
    real_name: str
    team_id: str
    email: str = ""
    title: str = ""
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_admin: bool = False
    deleted: bool = False
    tz: str = "Etc/UTC"
    status_text: str = ""
    status_emoji: str = ""
    status_expiration: int = 0


@dataclass
class Conversation:
    """A channel, a private channel or a direct message, with everything said in it."""

    id: str
    name: str
    created: int
    is_private: bool = False
    is_im: bool = False
    user: str = ""
    opened: bool = True
    is_archived: bool = False
    is_ext_shared: bool = False
    topic: str = ""
    members: dict[str, None] = field(default_factory=dict)
    messages: dict[str, JsonObject] = field(default_factory=dict)
    ephemerals: dict[str, JsonObject] = field(default_factory=dict)
    threads: dict[str, dict[str, None]] = field(default_factory=dict)
    read_until: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The word that scopes and events use: `channels`, `groups` or `im`."""
        if self.is_im:
            return "im"
        return "groups" if self.is_private else "channels"

    @property
    def channel_type(self) -> str:
        """The word that message events use: `channel`, `group` or `im`."""
        return {"im": "im", "groups": "group", "channels": "channel"}[self.kind]

    @property
    def last_ts(self) -> str | None:
        return next(reversed(self.messages), None)

    def everything(self, user: str | None = None) -> Iterator[JsonObject]:
        """Messages oldest first, private answers among them; `user` leaves out other people's."""
        for message in merge(
            self.messages.values(), self.ephemerals.values(), key=lambda m: str(m["ts"])
        ):
            if user is None or message.get("ephemeral_user", user) == user:
                yield message

    def latest(self, user: str, count: int) -> list[JsonObject]:
        """The last `count` messages that `user` can see, oldest first."""
        newest_first = merge(
            reversed(self.messages.values()),
            reversed(self.ephemerals.values()),
            key=lambda m: str(m["ts"]),
            reverse=True,
        )
        seen = (m for m in newest_first if m.get("ephemeral_user", user) == user)
        return list(islice(seen, count))[::-1]

    def unread(self, user: str) -> int:
        """How many messages by others came after the last one `user` is known to have seen."""
        seen = self.read_until.get(user, "")
        count = 0
        for ts in reversed(self.messages):
            if ts <= seen or count == 99:
                break
            count += self.messages[ts].get("user") != user
        return count


@dataclass(frozen=True)
class Change:
    """What has just become different, for those who watch. `users` None: all who see `channel`."""

    channel: str | None = None
    users: frozenset[str] | None = None
    views: bool = False
    mail: bool = False


class Workspace:
    """State and visibility only: what Slack would refuse is decided by those who call."""

    def __init__(self, team_id: str, clock: Callable[[], float] = time.time, *, bot: User) -> None:
        self.team_id = team_id
        self.clock = clock
        self.bot = bot
        self.users: dict[str, User] = {bot.id: bot}
        self.conversations: dict[str, Conversation] = {}
        self.listeners: list[Callable[[Change], None]] = []
        self.revision = 0
        self._dms: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._last_ts_us = 0

    # -- time and news ---------------------------------------------------------------------

    def next_ts(self) -> str:
        """A message timestamp: the clock's, and always later than the one before."""
        self._last_ts_us = max(int(self.clock() * 1_000_000), self._last_ts_us + 1)
        return f"{self._last_ts_us // 1_000_000}.{self._last_ts_us % 1_000_000:06d}"

    def changed(self, change: Change) -> None:
        self.revision += 1
        for listener in self.listeners:
            listener(change)

    def touched(self, conversation: Conversation) -> None:
        self.changed(Change(conversation.id))

    # -- people and places -----------------------------------------------------------------

    def add_user(self, user: User) -> User:
        """A new person, or a person's new description; a DM with the bot comes with them."""
        self.users[user.id] = user
        if not user.is_bot:
            self.dm(user.id)
        self.changed(Change())
        return user

    def add_channel(self, channel_id: str, name: str, **details: Any) -> Conversation:
        members = details.pop("members", ())
        conversation = Conversation(
            channel_id, name, int(self.clock()), members=dict.fromkeys(members), **details
        )
        self.conversations[channel_id] = conversation
        self._names[name] = channel_id
        self.changed(Change(channel_id))
        return conversation

    def dm(self, user_id: str) -> Conversation:
        """The conversation between the bot and `user_id`, which exists from the start but is
        known to the app only once somebody has opened it."""
        if user_id not in self._dms:
            conversation = Conversation(
                new_id("D"),
                "",
                int(self.clock()),
                is_private=True,
                is_im=True,
                user=user_id,
                opened=False,
                members=dict.fromkeys((user_id, self.bot.id)),
            )
            self.conversations[conversation.id] = conversation
            self._dms[user_id] = conversation.id
        return self.conversations[self._dms[user_id]]

    def conversation(self, reference: str) -> Conversation | None:
        """By id, or by name with or without its `#`."""
        known = self.conversations.get(reference)
        return known or self.conversations.get(self._names.get(reference.lstrip("#"), ""))

    def sees(self, user_id: str, conversation: Conversation) -> bool:
        return user_id in conversation.members or conversation.kind == "channels"

    # -- messages --------------------------------------------------------------------------

    def post(self, conversation: Conversation, message: JsonObject) -> JsonObject:
        """Stores a message that everybody there can see; gives it its `ts`."""
        message = {"type": "message", **message, "ts": self.next_ts()}
        conversation.opened = True
        conversation.messages[message["ts"]] = message
        parent = conversation.messages.get(message.get("thread_ts", ""))
        if parent is not None and parent is not message:
            self._join_thread(conversation, parent, message)
        if message.get("user"):
            conversation.read_until[message["user"]] = message["ts"]
        self.changed(Change(conversation.id))
        return message

    def post_ephemeral(
        self, conversation: Conversation, user_id: str, message: JsonObject
    ) -> JsonObject:
        """Stores a message that only `user_id` can see."""
        message = {
            "type": "message",
            **message,
            "ts": self.next_ts(),
            "ephemeral_user": user_id,
        }
        conversation.ephemerals[message["ts"]] = message
        self.changed(Change(conversation.id, frozenset({user_id})))
        return message

    def revise(
        self, conversation: Conversation, message: JsonObject, changes: JsonObject, editor: str
    ) -> JsonObject:
        """Replaces fields (None takes one away) and marks the edit; returns the old message."""
        before = dict(message)
        for key, value in changes.items():
            if value is None:
                message.pop(key, None)
            else:
                message[key] = value
        message["edited"] = {"user": editor, "ts": self.next_ts()}
        self.changed(Change(conversation.id))
        return before

    def remove(self, conversation: Conversation, ts: str) -> JsonObject:
        """Takes a message away; one that has replies leaves a tombstone at the thread's head."""
        if ts in conversation.ephemerals:
            gone = conversation.ephemerals.pop(ts)
        elif conversation.threads.get(ts):
            gone = dict(conversation.messages[ts])
            conversation.messages[ts] = self._tombstone(gone)
        else:
            gone = conversation.messages.pop(ts)
            self._leave_thread(conversation, gone)
        self.changed(Change(conversation.id))
        return gone

    def find(self, conversation: Conversation, ts: str) -> JsonObject:
        """A message everybody can see, or Slack's `message_not_found`."""
        message = conversation.messages.get(ts)
        if message is None or message.get("subtype") == "tombstone":
            raise SlackError("message_not_found")
        return message

    def clear_messages(self) -> None:
        for conversation in self.conversations.values():
            for kept in (conversation.messages, conversation.ephemerals):
                kept.clear()
            conversation.threads.clear()
            conversation.read_until.clear()
        self.changed(Change())

    def _join_thread(
        self, conversation: Conversation, parent: JsonObject, reply: JsonObject
    ) -> None:
        replies = conversation.threads.setdefault(parent["ts"], {})
        replies[reply["ts"]] = None
        if parent.get("user"):
            reply["parent_user_id"] = parent["user"]
        authors = list(dict.fromkeys([*parent.get("reply_users", []), reply.get("user", "")]))
        parent.update(
            thread_ts=parent["ts"],
            reply_count=len(replies),
            reply_users=authors,
            reply_users_count=len(authors),
            latest_reply=reply["ts"],
        )

    def _leave_thread(self, conversation: Conversation, reply: JsonObject) -> None:
        replies = conversation.threads.get(reply.get("thread_ts", ""))
        parent = conversation.messages.get(reply.get("thread_ts", ""))
        if replies is None or parent is None:
            return
        replies.pop(reply["ts"], None)
        parent["reply_count"] = len(replies)
        if replies:
            parent["latest_reply"] = next(reversed(replies))
            return
        for key in ("thread_ts", "reply_users", "reply_users_count", "latest_reply", "reply_count"):
            parent.pop(key, None)

    @staticmethod
    def _tombstone(message: JsonObject) -> JsonObject:
        kept = (
            "ts",
            "thread_ts",
            "reply_count",
            "reply_users",
            "reply_users_count",
            "latest_reply",
        )
        return {
            "type": "message",
            "subtype": "tombstone",
            "user": "USLACKBOT",
            "text": "This message was deleted.",
            "hidden": True,
            **{key: message[key] for key in kept if key in message},
        }
