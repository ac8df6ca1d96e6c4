"""What a Web API method works with: the workspace and its stores, and one call's arguments."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from sandbox.arguments import Args
from sandbox.files import FileStore
from sandbox.installation import Installation
from sandbox.shapes import JsonObject, SlackError
from sandbox.surfaces import ResponseUrls, Surfaces, Triggers
from sandbox.workspace import Conversation, Workspace

T = TypeVar("T")

_CURSOR = re.compile(r"after:(\d+)")


class News(Protocol):
    """Tells the app that something happened."""

    def message(self, conversation: Conversation, event: JsonObject) -> object: ...

    def event(self, name: str, event: JsonObject) -> object: ...


class Silence:
    """Tells nobody; stands in until delivery is set up."""

    def message(self, conversation: Conversation, event: JsonObject) -> None:
        del conversation, event

    def event(self, name: str, event: JsonObject) -> None:
        del name, event


@dataclass
class Slack:
    """The whole of one sandbox's Slack, as its methods and its people see it."""

    workspace: Workspace
    installation: Installation
    surfaces: Surfaces
    triggers: Triggers
    response_urls: ResponseUrls
    files: FileStore
    clock: Callable[[], float]
    news: News = field(default_factory=Silence)
    base_url: str = ""
    websocket_url: Callable[[], str] = lambda: ""

    def stores(self, slack_file: JsonObject) -> bool:
        """Whether an image may show this file: uploaded, completed, named by id or address."""
        address = str(slack_file.get("url", ""))
        named = slack_file.get("id") or address.partition("/files-pri/")[2].partition("/")[0]
        file = self.files.files.get(named)
        return file is not None and file.complete

    def bot_author(self) -> JsonObject:
        """The fields of every message that say the app wrote it."""
        installed = self.installation
        return {
            "user": installed.bot_user_id,
            "team": installed.team_id,
            "bot_id": installed.bot_id,
            "app_id": installed.app_id,
            "bot_profile": installed.bot_profile(),
        }


@dataclass
class Call:
    """One Web API call that has passed the front door."""

    slack: Slack
    args: Args

    def need_scope(self, scope: str) -> None:
        """Refuses with `missing_scope`, naming what is needed and what was granted."""
        granted = self.slack.installation.scopes
        if scope not in granted:
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(granted)))

    def readable(self, reference: str, ability: str) -> Conversation:
        """A conversation the bot can see, with the scope `ability` has for its kind."""
        conversation = self.slack.workspace.conversations.get(reference)
        bot = self.slack.installation.bot_user_id
        if conversation is None or not self.slack.workspace.sees(bot, conversation):
            raise SlackError("channel_not_found")
        if not conversation.opened:
            raise SlackError("channel_not_found")
        self.need_scope(f"{conversation.kind}:{ability}")
        return conversation

    def writable(self, reference: str) -> Conversation:
        """A conversation the bot may post to; a user id stands for the DM with them."""
        workspace = self.slack.workspace
        conversation = workspace.conversation(reference) or self._dm(reference)
        bot = self.slack.installation.bot_user_id
        if conversation is None or not workspace.sees(bot, conversation):
            raise SlackError("channel_not_found")
        if conversation.is_archived or self._deserted(conversation):
            raise SlackError("is_archived")
        if bot not in conversation.members and (
            "chat:write.public" not in self.slack.installation.scopes
        ):
            raise SlackError("not_in_channel")
        if conversation.is_im and not self.slack.installation.messages_tab:
            raise SlackError("messages_tab_disabled")
        return conversation

    def page(
        self, items: Sequence[T], *, default: int, most: int, refusal: str = "invalid_limit"
    ) -> tuple[list[T], str]:
        """(one page, cursor of the next). Refuses a cursor it never gave, and with `refusal` a
        limit that is no number."""
        limit = self.args.whole("limit", default, refusal)
        start = 0
        if cursor := self.args.text("cursor"):
            match = _CURSOR.fullmatch(cursor)
            if match is None or int(match[1]) > len(items):
                raise SlackError("invalid_cursor")
            start = int(match[1])
        end = start + max(1, min(limit or default, most))
        return list(items[start:end]), f"after:{end}" if end < len(items) else ""

    def _dm(self, reference: str) -> Conversation | None:
        user = self.slack.workspace.users.get(reference)
        if user is None or user.is_bot or user.deleted:
            return None
        return self.slack.workspace.dm(user.id)

    def _deserted(self, conversation: Conversation) -> bool:
        return conversation.is_im and self.slack.workspace.users[conversation.user].deleted
