"""What a Web API method works with: the workspace, and the arguments of one call."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from sandbox.fake_slack.api.arguments import Args
from sandbox.fake_slack.shapes import SlackError
from sandbox.fake_slack.world.slack import Slack
from sandbox.fake_slack.world.workspace import Conversation

T = TypeVar("T")

_CURSOR = re.compile(r"after:(\d+)")


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
        if conversation.is_archived or self._is_with_deleted_user(conversation):
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

    def _is_with_deleted_user(self, conversation: Conversation) -> bool:
        return conversation.is_im and self.slack.workspace.users[conversation.user].deleted
