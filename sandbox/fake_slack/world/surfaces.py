"""Dialogs and Home pages, and the short-lived permissions an interaction gives the app."""

import secrets
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.fake_slack.shapes import JsonObject, SlackError, new_id
from sandbox.fake_slack.world.elements import complete_blocks, merged_state
from sandbox.fake_slack.world.installation import Installation

RESPONSE_URL_LIFE_S = 30 * 60.0
RESPONSE_URL_USES = 5
_REMEMBERED = 10_000
STACK_LIMIT = 3

_TEXT_DEFAULTS = {"private_metadata": "", "callback_id": "", "external_id": ""}
_FLAG_DEFAULTS = {"clear_on_close": False, "notify_on_close": False, "submit_disabled": False}


@dataclass
class Trigger:
    """The right to open one dialog for one person, for a few seconds."""

    user: str
    issued_at: float
    in_modal: bool = False
    used: bool = False


class Triggers:
    """Issues and exchanges trigger ids."""

    def __init__(self, clock: Callable[[], float], life_s: float) -> None:
        self._clock = clock
        self._life_s = life_s
        self._issued: dict[str, Trigger] = {}

    def issue(self, user: str, *, in_modal: bool = False) -> str:
        trigger_id = (
            f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        )
        self._issued[trigger_id] = Trigger(user, self._clock(), in_modal)
        _forget_oldest(self._issued)
        return trigger_id

    def check(self, trigger_id: str) -> Trigger:
        """The trigger if it can still be exchanged; the caller marks it used."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._clock() - trigger.issued_at > self._life_s:
            raise SlackError("expired_trigger_id")
        return trigger

    def clear(self) -> None:
        self._issued.clear()


def _forget_oldest(issued: dict[str, Any]) -> None:
    """Keeps a long run's memory flat; the oldest are long past their time."""
    if len(issued) > _REMEMBERED:
        del issued[next(iter(issued))]


@dataclass
class ResponseUrl:
    """Where an app may answer one command or click: five times, for half an hour."""

    channel: str
    user: str
    issued_at: float
    message_ts: str = ""
    thread_ts: str = ""
    uses: int = 0


class ResponseUrls:
    """Issues response urls and counts their use."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._issued: dict[str, ResponseUrl] = {}

    def issue(self, channel: str, user: str, *, message_ts: str = "", thread_ts: str = "") -> str:
        key = secrets.token_urlsafe(18)
        self._issued[key] = ResponseUrl(channel, user, self._clock(), message_ts, thread_ts)
        _forget_oldest(self._issued)
        return key

    def use(self, key: str) -> ResponseUrl:
        """Counts one use; refuses an unknown, an expired and a worn-out address."""
        url = self._issued.get(key)
        if url is None:
            raise SlackError("invalid_url")
        if self._clock() - url.issued_at > RESPONSE_URL_LIFE_S:
            raise SlackError("expired_url")
        if url.uses >= RESPONSE_URL_USES:
            raise SlackError("used_url")
        url.uses += 1
        return url

    def clear(self) -> None:
        self._issued.clear()


@dataclass
class Surfaces:
    """Every open dialog and published Home. A view is the JSON object the app sees."""

    installation: Installation
    clock: Callable[[], float]
    stacks: dict[str, list[JsonObject]] = field(default_factory=dict)
    homes: dict[str, JsonObject] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def copy(self) -> "Surfaces":
        """The same dialogs and Homes to try something on; nothing done there shows here."""
        return replace(
            self,
            stacks=deepcopy(self.stacks),
            homes=deepcopy(self.homes),
            owners=dict(self.owners),
        )

    def stack(self, user: str) -> list[JsonObject]:
        return self.stacks.setdefault(user, [])

    def open(self, user: str, view: JsonObject) -> JsonObject:
        """A new dialog, which takes the place of whatever this person had open."""
        self._refuse_duplicate(view)
        for old in self.stack(user):
            self.owners.pop(old["id"], None)
        made = self._new_view(user, view, root=None, previous=None)
        self.stacks[user] = [made]
        return made

    def push(self, user: str, view: JsonObject) -> JsonObject:
        """A dialog on top of the open one; three is the most."""
        stack = self.stack(user)
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= STACK_LIMIT:
            raise SlackError("push_limit_reached")
        self._refuse_duplicate(view)
        made = self._new_view(user, view, root=stack[0]["id"], previous=stack[-1]["id"])
        stack.append(made)
        return made

    def update(self, current: JsonObject, view: JsonObject, hash_: str = "") -> JsonObject:
        """Redraws a view in place; with `hash_`, only if nobody else has done so since."""
        if hash_ and hash_ != current["hash"]:
            raise SlackError("hash_conflict")
        if view.get("external_id") != current["external_id"]:
            self._refuse_duplicate(view)
        earlier = current["state"]["values"]
        kept = ("id", "root_view_id", "previous_view_id")
        fresh = self._full_view(view, {key: current[key] for key in kept})
        fresh["state"] = {"values": merged_state(fresh["blocks"], earlier)}
        current.clear()
        current.update(fresh)
        return current

    def publish(self, user: str, view: JsonObject, hash_: str = "") -> JsonObject:
        """Shows a Home page to `user`."""
        current = self.homes.get(user)
        if current is not None:
            return self.update(current, view, hash_)
        if hash_:
            raise SlackError("hash_conflict")
        self._refuse_duplicate(view)
        self.homes[user] = self._new_view(user, view, root=None, previous=None)
        return self.homes[user]

    def find(self, view_id: str = "", external_id: str = "") -> tuple[str, JsonObject]:
        """(owner, view) of an open dialog or Home, or Slack's `not_found`."""
        for owner in self._candidates(view_id):
            for view in [*self.stack(owner), *self._home(owner)]:
                if view["id"] == view_id or (external_id and view["external_id"] == external_id):
                    return owner, view
        raise SlackError("not_found")

    def pop(self, user: str, view: JsonObject) -> list[JsonObject]:
        """Closes a dialog and whatever lies on top of it; returns them, topmost first."""
        stack = self.stack(user)
        place = next((n for n, one in enumerate(stack) if one is view), len(stack))
        closed = stack[place:][::-1]
        del stack[place:]
        for one in closed:
            self.owners.pop(one["id"], None)
        return closed

    def clear(self) -> None:
        for kept in (self.stacks, self.homes, self.owners):
            kept.clear()

    def _candidates(self, view_id: str) -> list[str]:
        if view_id:
            owner = self.owners.get(view_id)
            return [] if owner is None else [owner]
        return list({*self.stacks, *self.homes})

    def _home(self, user: str) -> list[JsonObject]:
        home = self.homes.get(user)
        return [] if home is None else [home]

    def _refuse_duplicate(self, view: JsonObject) -> None:
        external_id = view.get("external_id")
        if not external_id:
            return
        try:
            self.find(external_id=external_id)
        except SlackError:
            return
        raise SlackError("duplicate_external_id")

    def _new_view(
        self, user: str, view: JsonObject, *, root: str | None, previous: str | None
    ) -> JsonObject:
        view_id = new_id("V")
        made = self._full_view(
            view, {"id": view_id, "root_view_id": root or view_id, "previous_view_id": previous}
        )
        made["state"] = {"values": merged_state(made["blocks"], {})}
        self.owners[view_id] = user
        return made

    def _full_view(self, view: JsonObject, identity: JsonObject) -> JsonObject:
        installed = self.installation
        return {
            **identity,
            "team_id": installed.team_id,
            "type": view["type"],
            "title": view.get("title", {"type": "plain_text", "text": "View Title"}),
            "submit": view.get("submit"),
            "close": view.get("close"),
            **{key: view.get(key) or default for key, default in _TEXT_DEFAULTS.items()},
            **{key: bool(view.get(key, default)) for key, default in _FLAG_DEFAULTS.items()},
            "blocks": complete_blocks(view["blocks"]),
            "hash": f"{int(self.clock())}.{secrets.token_hex(4)}",
            "app_id": installed.app_id,
            "app_installed_team_id": installed.team_id,
            "bot_id": installed.bot_id,
        }
