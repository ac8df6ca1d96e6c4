"""What is answered to whoever asks, and what is asked of Slack for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from handlers.slack.blocks import block_kit
from handlers.slack.blocks.block_kit import SlackMessage, View
from models.errors import Refusal

Json = dict[str, Any]
TITLE = "Countersign"


class Unanswered(Exception):
    """Slack's answer was lost: perhaps it has done what it was asked, perhaps not."""


class NotBrought(Refusal):
    """Slack did not hand over that file."""


@dataclass(frozen=True)
class SlackFile:
    """A file that somebody gave the bot in Slack."""

    name: str
    content: bytes


class Responder(Protocol):
    """What the handlers say to Slack themselves: answers to whoever asks, and nothing else.

    Each call has its effect once, soon. It raises Unanswered where nobody knows whether it had,
    and something else where Slack refuses or cannot be reached. What Slack refuses for its blocks
    is drawn ever more plainly.
    """

    async def user_info(self, slack_user_id: str) -> Json | None:
        """The `user` of `users.info`; None where Slack knows nobody of that id. Unanswered where
        it does not say.
        """

    async def open_view(self, trigger_id: str, view: View) -> None:
        """Open a dialog within the 3 s of a trigger."""

    async def update_view(self, view_id: str, view: View) -> None:
        """Put another view in the place of an open dialog."""

    async def publish_home(self, slack_user_id: str, view: View) -> None:
        """Show this on a person's Home tab."""

    async def post_ephemeral(
        self, channel: str, slack_user_id: str, message: SlackMessage, thread_ts: str | None = None
    ) -> None:
        """Say something that only this person sees."""

    async def tell(self, slack_user_id: str, message: SlackMessage) -> None:
        """Say something privately in a person's direct messages."""

    async def bring_file(self, file_id: str, most_bytes: int) -> SlackFile:
        """A file that somebody put into a dialog. Raises NotBrought, with what to do, for one that
        is gone, larger or not to be read.
        """

    async def send_file(self, slack_user_id: str, name: str, content: bytes, comment: str) -> None:
        """Bring a person a file in their direct messages; `comment` is Slack's markup."""

    async def respond(
        self,
        response_url: str,
        message: SlackMessage,
        *,
        replace: bool = False,
        shared: bool = False,
    ) -> None:
        """Answer a command or a click: privately, or `shared` with the conversation; `replace`
        puts the answer in the place of the message that was clicked.
        """


@dataclass(frozen=True)
class Reply:
    """A message to whoever asked. `replace`: in the place of what was clicked; `shared`: for
    everybody in the conversation, and in the place of a private message whose button shared it.
    """

    message: SlackMessage
    replace: bool = False
    shared: bool = False


@dataclass(frozen=True)
class Dialog:
    """A dialog to open, or to put in the place of the one that asked. `outcome`: what it tells
    that is to be known even where nobody has it open any more.
    """

    view: View
    outcome: SlackMessage | None = None


@dataclass(frozen=True)
class FieldErrors:
    """Sentences beside the fields of a dialog, by block id; the dialog stays open."""

    sentences: dict[str, str]


@dataclass(frozen=True)
class Options:
    """What a select offers for the letters that somebody has typed, as options of its own kind."""

    options: list[Json]


@dataclass(frozen=True)
class Later:
    """Work that perhaps takes longer than Slack waits, begun by a dialog once its transaction has
    ended: what is shown meanwhile, and what `work` puts in its place.
    """

    work: Callable[[], Awaitable[Dialog]]
    meanwhile: View


Answer = Reply | Dialog | FieldErrors | Options


def as_dialog(message: SlackMessage, title: str = TITLE) -> View:
    """A message, where there is no place for one, or none where the person looks."""
    return block_kit.modal(title, message.without_tables().blocks)
