"""Refusals and trouble, told to whoever asked."""

import re

from handlers.slack.blocks.action_ids import ActionId, fits, pack
from handlers.slack.blocks.block_kit import (
    SlackMessage,
    actions,
    button,
    message,
    paragraph,
    sentence_message,
)
from handlers.wording.change_text import corrected
from handlers.wording.formatting import name, plain
from handlers.wording.rich_text import Part, code, fallback_text
from models.errors import Ambiguous, Changed, Refusal

SENTENCE_LIMIT = 2000
CHOICES = 5


def refusal_message(
    refused: Refusal, command: str = "", text: str = "{}", click: ActionId | None = None
) -> SlackMessage:
    """The sentence, and for an ambiguous name a button each that runs the command again.

    `command` is that command as it was typed, `text` what stood behind it with `{}` in the
    place of the name; without `command` there are no buttons. `click`: what was to be done.
    """
    if isinstance(refused, Changed):
        return sentence_message(_changed(refused, click))
    told = plain(refused.sentence, SENTENCE_LIMIT)
    names = refused.choices if isinstance(refused, Ambiguous) and command else []
    runs = [(one, {"command": command, "text": text.replace("{}", one)}) for one in names]
    buttons = [
        button(ActionId.CHOOSE, name(one, 75), pack(**run)) for one, run in runs if fits(**run)
    ]
    return message(
        fallback_text(told), [paragraph(*_with_code(told)), *actions(*buttons[:CHOICES])]
    )


_NOT_DONE = {
    ActionId.APPROVE: "approved",
    ActionId.REJECT: "rejected",
    ActionId.RELEASE: "released",
    ActionId.REVISE: "revised",
    ActionId.SEND: "sent",
    ActionId.UNDO: "undone",
    ActionId.VOID: "made void",
    ActionId.REISSUE: "billed",
}


def _changed(refused: Changed, click: ActionId | None) -> str:
    """As in "This bill changed while you were looking: usage was corrected from ..."."""
    told = corrected(refused.changes, refused.currency)
    where = "The card above" if click in CARD_ACTIONS else "The card"
    done = _NOT_DONE.get(click, "done") if click else "done"
    return (
        f"This bill changed while you were looking: {told}. {where} is up to date;"
        f" nothing was {done}."
    )


CARD_ACTIONS = frozenset({ActionId.APPROVE, ActionId.SEND})
_COMMAND = re.compile(r"`(/[^`\n]+|countersign [^`\n]+|#\d+|\d[\d.m-]*)`")


def _with_code(told: str) -> list[Part]:
    """A refusal's own words, in which a command between backticks is set as code."""
    pieces = _COMMAND.split(told)
    return [code(piece) if index % 2 else piece for index, piece in enumerate(pieces)]


def trouble_message(reference: str) -> SlackMessage:
    """Something went wrong that nobody foresaw."""
    return sentence_message(
        "Something went wrong here, and nothing was changed. Please try again; if it goes on, tell"
        " whoever looks after Countersign this reference: ",
        code(reference),
        ".",
    )
