"""What Slack sends, and how each kind of it is answered.

An answer to a command travels in its receipt; to a click by its response address, or as a dialog
where there is no message to answer under; to a dialog in the dialog. What people write as messages
is in `written`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from handlers.slack.answers import (
    Answer,
    Dialog,
    FieldErrors,
    Json,
    Reply,
    Responder,
    Unanswered,
    as_dialog,
)
from handlers.slack.blocks.action_ids import POSTS, known_action, pack, unpack
from handlers.slack.blocks.block_kit import UNFURLED, View
from handlers.slack.blocks.errors import refusal_message, shared_unconfirmed
from handlers.slack.ticked import ticked_in
from handlers.wording.formatting import clean
from handlers.wording.refusals import Medium, refusal_text
from models.errors import Ambiguous, Invalid, InvalidFields, Refusal

HOME = "home"
LATE = "Slack did not open the dialog in time, and nothing was changed. Please try again."
PERHAPS_OPEN = (
    "Slack did not say whether it opened the dialog. If you do not see it, please try again; "
    "nothing was changed."
)


def carried(packed: str | None, field: str) -> Any:
    """A field of what a button or a dialog carries; None where there is none."""
    try:
        return unpack(packed).get(field)
    except Invalid:
        return None


@dataclass(frozen=True)
class Request(ABC):
    """One request of one person, as Slack sent it."""

    body: Mapping[str, Any]

    @property
    def user_id(self) -> str:
        return str(self.body["user"]["id"])

    @property
    def team_ids(self) -> set[str]:
        """Every workspace that the payload names as the person's own."""
        return {str(team) for team in (self.body["user"].get("team_id"),) if team}

    @property
    def app_id(self) -> str | None:
        return self.body.get("api_app_id")

    @property
    def value(self) -> str | None:
        """What the button or the dialog carries."""
        return None

    @property
    def is_from_home(self) -> bool:
        """Whether somebody was looking at their Home tab when they asked."""
        return bool(carried(self.value, "see") == HOME)

    @property
    def view(self) -> Mapping[str, Any]:
        """The dialog or Home in which it was asked; an empty one where it was elsewhere."""
        return {}

    def files(self, block_id: str) -> list[str]:
        """The ids of the files that were put into a field."""
        state = self._state(block_id)
        return [str(file["id"]) for file in state.get("files") or ()]

    def entered(self, block_id: str) -> str:
        """What was typed or chosen in a field; empty where nothing was."""
        state = self._state(block_id)
        chosen = state.get("selected_option") or state
        return chosen.get("value") or ""

    def has_field(self, block_id: str) -> bool:
        """Whether the dialog tells of such a field, be it an empty one."""
        return block_id in self._values

    def _state(self, block_id: str) -> Mapping[str, Any]:
        """Of the one element that a field has."""
        return next(iter(self._values.get(block_id, {}).values()), {})

    @property
    def _values(self) -> Mapping[str, Any]:
        values: Mapping[str, Any] = (self.view.get("state") or {}).get("values", {})
        return values

    @property
    def bill_id(self) -> int | None:
        """The bill that the request is about, if it carries one."""
        bill_id: int | None = carried(self.value, "bill")
        return bill_id

    @property
    def double_click_key(self) -> str | None:
        """What two clicks have in common that are meant as one; None where each counts."""
        return None

    def refused(self, refusal: Refusal) -> list[Answer]:
        """How this kind of request hears a refusal."""
        return [Reply(refusal_message(refusal))]

    @abstractmethod
    async def respond(self, slack: Responder, answers: Sequence[Answer]) -> Json:
        """Send the answers; returns the body of the receipt."""


@dataclass(frozen=True)
class SlashCommand(Request):
    """A slash command."""

    @property
    def user_id(self) -> str:
        return str(self.body["user_id"])

    @property
    def team_ids(self) -> set[str]:
        return {str(self.body["team_id"])}

    def refused(self, refusal: Refusal) -> list[Answer]:
        if isinstance(refusal, CustomerChoice):
            return [Reply(refusal_message(refusal, refusal.command, refusal.text))]
        return super().refused(refusal)

    async def respond(self, slack: Responder, answers: Sequence[Answer]) -> Json:
        receipt: Json = {}
        for answer in answers:
            if isinstance(answer, Dialog):
                await slack.open_view(self.body["trigger_id"], answer.view)
            elif isinstance(answer, Reply) and _fits_a_receipt(answer):
                receipt = {
                    "response_type": "ephemeral",
                    **answer.message.payload(),
                    **UNFURLED,
                }
            elif isinstance(answer, Reply):
                await slack.respond(self.body["response_url"], answer.message, shared=answer.shared)
        return receipt


def _fits_a_receipt(reply: Reply) -> bool:
    """Nobody hears whether Slack took the blocks of a receipt, so newer ones do not go there."""
    return not reply.shared and reply.message.without_tables() == reply.message


@dataclass(frozen=True)
class Click(Request):
    """A button or a menu, in a message, a dialog or on Home."""

    @property
    def action(self) -> Mapping[str, Any]:
        action: Mapping[str, Any] = self.body["actions"][0]
        return action

    @property
    def value(self) -> str | None:
        chosen = self.action.get("selected_option") or self.action
        return chosen.get("value")

    @property
    def is_link(self) -> bool:
        """Links open by themselves; Slack tells of the click all the same."""
        return bool(self.action.get("url"))

    @property
    def is_private(self) -> bool:
        """Whether the clicked message is one that only this person sees."""
        return bool(self.body.get("container", {}).get("is_ephemeral"))

    @property
    def message(self) -> tuple[str, str] | None:
        """The channel and the ts of the message that was clicked."""
        container = self.body.get("container", {})
        channel, ts = container.get("channel_id"), container.get("message_ts")
        return (channel, ts) if channel and ts else None

    @property
    def dedup_key(self) -> str | None:
        """A key that every click of this person on this button of this message has in common."""
        where = self.message or self.body.get("response_url") or self.view.get("hash")
        told = repr((where, self.user_id, self.value, ticked_in(self.view)))
        return sha256(told.encode()).hexdigest() if where else None

    @property
    def double_click_key(self) -> str | None:
        return self.dedup_key if known_action(self.action["action_id"]) in POSTS else None

    @property
    def view(self) -> Mapping[str, Any]:
        return self.body.get("view") or {}

    @property
    def is_from_home(self) -> bool:
        metadata = self.view.get("private_metadata")
        return self.view.get("type") == HOME or carried(metadata, "see") == HOME

    def refused(self, refusal: Refusal) -> list[Answer]:
        if isinstance(refusal, CustomerChoice):
            return [Reply(refusal_message(refusal, refusal.command, refusal.text))]
        return [Reply(refusal_message(refusal, click=known_action(self.action["action_id"])))]

    async def respond(self, slack: Responder, answers: Sequence[Answer]) -> Json:
        for answer in answers:
            if isinstance(answer, Reply) and self.body.get("response_url"):
                await self._reply(slack, answer)
            elif isinstance(answer, Reply):
                await self._show(slack, as_dialog(answer.message))
            elif isinstance(answer, Dialog):
                await self._show(slack, answer.view)
        return {}

    async def _reply(self, slack: Responder, answer: Reply) -> None:
        """What was shared takes the place of the private message, so that it is shared once."""
        url, left = self.body["response_url"], answer.message
        try:
            await slack.respond(url, answer.message, replace=answer.replace, shared=answer.shared)
        except Unanswered:
            if not answer.shared:
                raise
            left = shared_unconfirmed(answer.message)
        if answer.shared and self.is_private:
            await slack.respond(url, left, replace=True)

    async def _show(self, slack: Responder, view: View) -> None:
        view = from_home(view) if self.is_from_home else view
        if self.view.get("type") == "modal":
            await slack.update_view(self.view["id"], view)
        else:
            await slack.open_view(self.body["trigger_id"], view)


@dataclass(frozen=True)
class Submission(Request):
    """A dialog that was filled in and sent."""

    @property
    def view(self) -> Mapping[str, Any]:
        view: Mapping[str, Any] = self.body["view"]
        return view

    @property
    def value(self) -> str | None:
        return self.view.get("private_metadata")

    def refused(self, refusal: Refusal) -> list[Answer]:
        blocks = self.view.get("blocks", ())
        fields = {block.get("block_id") for block in blocks if block["type"] == "input"}
        beside = {field: told for field, told in _faults(refusal).items() if field in fields}
        if beside:
            return [FieldErrors(beside)]
        return [Reply(refusal_message(refusal, click=known_action(self.view["callback_id"])))]

    async def respond(self, slack: Responder, answers: Sequence[Answer]) -> Json:
        for answer in answers:
            if isinstance(answer, FieldErrors):
                return {"response_action": "errors", "errors": answer.sentences}
            if isinstance(answer, Reply | Dialog):
                view = answer.view if isinstance(answer, Dialog) else as_dialog(answer.message)
                view = from_home(view) if self.is_from_home else view
                return {"response_action": "update", "view": view}
        return {}


def _faults(refusal: Refusal) -> dict[str, str]:
    """What is wrong in fields, by field."""
    if isinstance(refusal, InvalidFields):
        return {field: clean(told) for field, told in refusal.faults.items()}
    field = refusal.field if isinstance(refusal, Invalid) else None
    return {field: refusal_text(refusal, Medium.SLACK)} if field else {}


class CustomerChoice(Ambiguous):
    """Several customers could be meant.

    `command` and `text` run the command again, once `{}` in the text is one of the choices.
    """

    def __init__(self, refused: Ambiguous, command: str, text: str) -> None:
        super().__init__(refused.sentence, refused.choices, is_guess=refused.is_guess)
        self.next_steps = refused.next_steps
        self.command = command
        self.text = text


def from_home(view: View) -> View:
    """A dialog that remembers that it was opened on the Home tab."""
    ids = unpack(view.get("private_metadata") or pack())
    return {**view, "private_metadata": pack(**{**ids, "see": HOME})}
