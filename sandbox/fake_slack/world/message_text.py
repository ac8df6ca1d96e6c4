"""What Slack makes of the text a person types."""

import re
from collections.abc import Iterable

from sandbox.fake_slack.shapes import JsonObject
from sandbox.fake_slack.world.workspace import Conversation, User, Workspace

_MARKUP = re.compile(r"<(?:@[UW][A-Z0-9]+|#[CGD][A-Z0-9]+)(?:\|[^<>]*)?>")
_LINK = re.compile(r"https?://[^\s<>|]+")
_MENTION = re.compile(r"(?<![\w<])@([\w.-]+)")
_CHANNEL = re.compile(r"(?<![\w<])#([\w-]+)")
_BARE_USER = re.compile(r"<@([UW][A-Z0-9]+)>")
_BARE_CHANNEL = re.compile(r"<#([CG][A-Z0-9]+)>")


def escaped(text: str) -> str:
    """Typed text as events carry it: `&`, `<`, `>` escaped, mentions and links marked up."""
    kept: list[str] = []
    place = 0
    for match in _MARKUP.finditer(text):
        kept += [_plain(text[place : match.start()]), match.group()]
        place = match.end()
    return "".join([*kept, _plain(text[place:])])


def _plain(text: str) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _LINK.sub(lambda match: f"<{match.group()}>", safe)


def as_rich_text(text: str) -> list[JsonObject]:
    """The block Slack makes of a typed message."""
    return [
        {
            "type": "rich_text",
            "block_id": "typed",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
            ],
        }
    ]


def command_text(text: str, workspace: Workspace, *, should_escape: bool) -> str:
    """A command's text as the app receives it: `&`, `<`, `>` escaped as in messages. With
    `should_escape`, people and channels arrive as `<@U1|name>` and `<#C1|name>`, else as they
    were typed."""
    text = escaped(text)
    if not should_escape:
        return text
    people = {user.name: user for user in _present(workspace.users.values())}
    text = _BARE_USER.sub(lambda match: _named_user(workspace, match), text)
    text = _BARE_CHANNEL.sub(lambda match: _named_channel(workspace, match), text)
    text = _MENTION.sub(lambda match: _mention(people.get(match[1]), match), text)
    return _CHANNEL.sub(lambda match: _place(workspace.conversation(match[1]), match), text)


def _present(users: Iterable[User]) -> Iterable[User]:
    return (user for user in users if not user.deleted)


def _named_user(workspace: Workspace, match: re.Match[str]) -> str:
    user = workspace.users.get(match[1])
    return f"<@{user.id}|{user.name}>" if user else match.group()


def _named_channel(workspace: Workspace, match: re.Match[str]) -> str:
    channel = workspace.conversations.get(match[1])
    return f"<#{channel.id}|{channel.name}>" if channel else match.group()


def _mention(user: User | None, match: re.Match[str]) -> str:
    return f"<@{user.id}|{user.name}>" if user else match.group()


def _place(channel: Conversation | None, match: re.Match[str]) -> str:
    return f"<#{channel.id}|{channel.name}>" if channel else match.group()
