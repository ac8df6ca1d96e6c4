"""The app as this workspace has installed it: its identity, tokens, scopes, events, commands."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from sandbox.fake_slack.shapes import JsonObject, new_id

ALL_SCOPES = frozenset(
    {
        "app_mentions:read",
        "commands",
        "chat:write",
        "im:write",
        "im:history",
        "channels:history",
        "groups:history",
        "channels:read",
        "channels:join",
        "groups:read",
        "im:read",
        "users:read",
        "users:read.email",
        "files:write",
        "files:read",
        "usergroups:read",
        "team:read",
        "reactions:write",
    }
)
ALL_EVENTS = frozenset(
    {
        "app_home_opened",
        "app_mention",
        "message.channels",
        "message.groups",
        "message.im",
        "app_uninstalled",
        "tokens_revoked",
        "user_change",
        "member_joined_channel",
        "channel_archive",
        "channel_rename",
        "channel_deleted",
        "group_archive",
        "group_rename",
        "channel_shared",
        "channel_unshared",
    }
)


@dataclass(frozen=True)
class Command:
    """A slash command of the manifest."""

    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = True


DEFAULT_COMMANDS = (
    Command("/bill", "Generate, show and decide overage bills", "help"),
    Command("/usage", "See and record API usage", "CUSTOMER [6m]"),
    Command("/customer", "See and edit customers", "NAME"),
)


def _commands(manifest: JsonObject) -> tuple[Command, ...]:
    listed = manifest.get("features", {}).get("slash_commands", [])
    return tuple(
        Command(
            entry["command"],
            entry.get("description", ""),
            entry.get("usage_hint", ""),
            bool(entry.get("should_escape", False)),
        )
        for entry in listed
    )


@dataclass
class Installation:
    """One app in one workspace. Every secret is drawn anew for each sandbox."""

    scopes: frozenset[str] = ALL_SCOPES
    events: frozenset[str] = ALL_EVENTS
    commands: tuple[Command, ...] = DEFAULT_COMMANDS
    bot_name: str = "countersign"
    home_tab: bool = True
    messages_tab: bool = True
    team_name: str = "Sandbox"
    team_domain: str = "sandbox"
    app_id: str = field(default_factory=lambda: new_id("A"))
    bot_id: str = field(default_factory=lambda: new_id("B"))
    bot_user_id: str = field(default_factory=lambda: new_id("U"))
    team_id: str = field(default_factory=lambda: new_id("T"))
    signing_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    verification_token: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    bot_token: str = field(
        default_factory=lambda: (
            f"xoxb-{secrets.randbelow(10**12)}-{secrets.randbelow(10**12)}-"
            f"{secrets.token_urlsafe(18)}"
        )
    )
    app_token: str = field(default_factory=lambda: f"xapp-1-{new_id('A')}-{secrets.token_hex(24)}")

    @classmethod
    def from_manifest(cls, manifest: JsonObject | None) -> "Installation":
        """The app described by a parsed manifest; without one, the widest app there is."""
        if manifest is None:
            return cls()
        settings = manifest.get("settings", {})
        features = manifest.get("features", {})
        home = features.get("app_home", {})
        given: dict[str, Any] = {
            "scopes": frozenset(manifest.get("oauth_config", {}).get("scopes", {}).get("bot", [])),
            "events": frozenset(settings.get("event_subscriptions", {}).get("bot_events", [])),
            "commands": _commands(manifest),
            "bot_name": features.get("bot_user", {}).get("display_name", "countersign"),
            "home_tab": bool(home.get("home_tab_enabled", False)),
            "messages_tab": bool(home.get("messages_tab_enabled", False)),
        }
        return cls(**given)

    def bot_profile(self) -> JsonObject:
        return {
            "id": self.bot_id,
            "deleted": False,
            "name": self.bot_name,
            "updated": 0,
            "app_id": self.app_id,
            "icons": {"image_36": "", "image_48": "", "image_72": ""},
            "team_id": self.team_id,
        }
