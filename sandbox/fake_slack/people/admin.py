"""Who is there, and which channels: as they are given, and as they change."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from sandbox.fake_slack.delivery.delivery import Delivery
from sandbox.fake_slack.delivery.payloads import user_json
from sandbox.fake_slack.shapes import JsonObject, Refused, new_id
from sandbox.fake_slack.world.slack import Slack
from sandbox.fake_slack.world.workspace import Change, Conversation, User

_USER_FIELDS = frozenset(field.name for field in fields(User))
_CHANNEL_FIELDS = frozenset({"is_private", "is_archived", "is_ext_shared", "topic"})


class Admin:
    """Adds people and channels, and changes them with the events Slack would send."""

    def __init__(self, slack: Slack, delivery: Delivery) -> None:
        self._slack = slack
        self._delivery = delivery

    def add_user(self, user_id: str | None, name: str, details: JsonObject) -> User:
        """Raises ValueError for a field that a user does not have."""
        unknown = set(details) - _USER_FIELDS
        if unknown:
            raise ValueError(f"a user has no {', '.join(sorted(unknown))}")
        team_id = details.get("team_id") or self._slack.installation.team_id
        real_name = details.get("real_name") or name
        user = User(user_id or new_id("U"), name, real_name, team_id)
        given = {key: value for key, value in details.items() if value is not None}
        return self._slack.workspace.add_user(replace(user, **given))

    def add_channel(
        self,
        channel_id: str | None,
        name: str,
        members: Sequence[str],
        details: JsonObject,
        *,
        bot: bool,
    ) -> Conversation:
        """Raises ValueError for a member nobody knows, or a field that a channel has not."""
        unknown = [user for user in members if user not in self._slack.workspace.users]
        if unknown:
            raise ValueError(f"no such users: {', '.join(unknown)}")
        if odd := set(details) - _CHANNEL_FIELDS:
            raise ValueError(f"a channel has no {', '.join(sorted(odd))}")
        everybody = [*members, *([self._slack.installation.bot_user_id] if bot else [])]
        return self._slack.workspace.add_channel(
            channel_id or new_id("C"), name, members=everybody, **details
        )

    async def change_user(self, user_id: str, changes: JsonObject) -> JsonObject:
        """Changes a person's fields and sends `user_change`; `acked` is the app's receipt."""
        user = self._slack.workspace.users.get(user_id)
        if user is None:
            raise Refused("user_not_found", user_id)
        if unknown := set(changes) - _USER_FIELDS:
            raise Refused("invalid_arguments", f"a user has no {', '.join(sorted(unknown))}")
        for key, value in changes.items():
            setattr(user, key, value)
        self._slack.workspace.changed(Change())
        event = {
            "type": "user_change",
            "user": user_json(user, self._slack),
            "cache_ts": int(self._slack.clock()),
            "event_ts": self._slack.workspace.next_ts(),
        }
        ack = await self._delivery.event("user_change", event)
        return {"ok": True, "id": user_id, "acked": ack.ok}

    async def change_channel(
        self,
        channel_id: str,
        *,
        is_archived: bool | None = None,
        invite: Sequence[str] = (),
        kick: Sequence[str] = (),
        is_ext_shared: bool | None = None,
    ) -> JsonObject:
        """Archives or unarchives a channel, shares it, and moves people in and out."""
        channel = self._slack.workspace.conversations.get(channel_id)
        if channel is None or channel.is_im:
            raise Refused("channel_not_found", channel_id)
        if is_ext_shared is not None:
            channel.is_ext_shared = is_ext_shared
        for user in kick:
            channel.members.pop(user, None)
        acked = [await self._joined(channel, user) for user in invite]
        if is_archived is not None and is_archived != channel.is_archived:
            channel.is_archived = is_archived
            acked.append(await self._archived(channel))
        self._slack.workspace.touched(channel)
        return {"ok": True, "id": channel_id, "acked": all(acked)}

    async def _joined(self, channel: Conversation, user: str) -> bool:
        if user not in self._slack.workspace.users:
            raise Refused("user_not_found", user)
        channel.members[user] = None
        event: dict[str, Any] = {
            "type": "member_joined_channel",
            "user": user,
            "channel": channel.id,
            "channel_type": "G" if channel.is_private else "C",
            "team": self._slack.installation.team_id,
            "event_ts": self._slack.workspace.next_ts(),
        }
        return (await self._delivery.event("member_joined_channel", event)).ok

    async def _archived(self, channel: Conversation) -> bool:
        kind = "group" if channel.is_private else "channel"
        name = f"{kind}_archive" if channel.is_archived else f"{kind}_unarchive"
        event = {
            "type": name,
            "channel": channel.id,
            "user": next(iter(channel.members), ""),
            "event_ts": self._slack.workspace.next_ts(),
        }
        return (await self._delivery.event(name, event)).ok
