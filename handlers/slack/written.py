"""What people write in Slack as messages; each is answered privately, where it was written."""

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.slack.answers import Answer, Json, Reply, Responder
from handlers.slack.blocks.errors import refusal_message
from handlers.slack.blocks.thread import not_recorded
from handlers.slack.request import CustomerChoice, Request
from models.errors import Refusal


@dataclass(frozen=True)
class ThreadMessage(Request):
    """Something written, edited or deleted by `author` in a thread.

    `what` it is called where it is refused; None: then nothing is said.
    """

    author: str
    channel: str
    thread_ts: str
    what: str | None = "reply"

    @property
    def user_id(self) -> str:
        return self.author

    @property
    def team_ids(self) -> set[str]:
        event = self.body["event"]
        named = (event.get("message") or event).get("user_team")
        return {str(named)} if named else set()

    def refused(self, refusal: Refusal) -> list[Answer]:
        return [Reply(not_recorded(refusal, self.what))] if self.what else []

    async def respond(self, slack: Responder, answers: Sequence[Answer]) -> Json:
        for answer in answers:
            if isinstance(answer, Reply):
                await slack.post_ephemeral(
                    self.channel, self.author, answer.message, self.thread_ts
                )
        return {}


@dataclass(frozen=True)
class DirectMessage(Request):
    """Something that a person writes to the bot, in their own conversation with it."""

    @property
    def is_one(self) -> bool:
        """Whether a person wrote it, and in no thread; edits and files alone are none."""
        event = self.body["event"]
        is_plain = event.get("channel_type") == "im" and not event.get("subtype")
        by_a_person = event.get("user") and not event.get("bot_id")
        return bool(is_plain and by_a_person and event.get("text") and not event.get("thread_ts"))

    @property
    def user_id(self) -> str:
        return str(self.body["event"]["user"])

    @property
    def team_ids(self) -> set[str]:
        named = self.body["event"].get("user_team")
        return {str(named)} if named else set()

    def refused(self, refusal: Refusal) -> list[Answer]:
        if isinstance(refusal, CustomerChoice):
            return [Reply(refusal_message(refusal, refusal.command, refusal.text))]
        return super().refused(refusal)

    async def respond(self, slack: Responder, answers: Sequence[Answer]) -> Json:
        event = self.body["event"]
        for answer in answers:
            if isinstance(answer, Reply):
                await slack.post_ephemeral(
                    event["channel"], self.user_id, answer.message, event.get("thread_ts")
                )
        return {}


@dataclass(frozen=True)
class AppMention(DirectMessage):
    """Something that a person writes in a channel and addresses to the bot."""

    @property
    def is_one(self) -> bool:
        event = self.body["event"]
        return bool(event.get("user") and not event.get("bot_id") and not event.get("edited"))
