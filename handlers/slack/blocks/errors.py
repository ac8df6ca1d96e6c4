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
    under,
)
from handlers.wording.formatting import name, plain
from handlers.wording.labels import PARTICIPLES
from handlers.wording.refusals import Medium, refusal_parts
from handlers.wording.rich_text import Part, code, fallback_text
from models.errors import Ambiguous, Refusal

SENTENCE_LIMIT = 2000
CHOICES = 5


def refusal_message(
    refused: Refusal, command: str = "", text: str = "{}", click: ActionId | None = None
) -> SlackMessage:
    """The sentence, and for an ambiguous name a button each that runs the command again.

    `command` is that command as it was typed, `text` what stood behind it with `{}` in the
    place of the name; without `command` there are no buttons. `click`: what was to be done.
    """
    reason, *steps = refusal_parts(refused, Medium.SLACK, _up_to_date(click))
    told = [*_with_code(plain(str(reason), SENTENCE_LIMIT)), *steps]
    names = refused.choices if isinstance(refused, Ambiguous) and command else []
    runs = [(one, {"command": command, "text": text.replace("{}", one)}) for one in names]
    buttons = [
        button(ActionId.CHOOSE, name(one, 75), pack(**run)) for one, run in runs if fits(**run)
    ]
    return message(fallback_text(*told), [paragraph(*told), *actions(*buttons[:CHOICES])])


_NOT_DONE = {ActionId[verb.name]: word for verb, word in PARTICIPLES.items()}


def _up_to_date(click: ActionId | None) -> str:
    """Where the figures that changed are to be seen, and what was not done with the old ones."""
    where = "The card above" if click in CARD_ACTIONS else "The card"
    done = _NOT_DONE.get(click, "done") if click else "done"
    return f"{where} is up to date; nothing was {done}."


CARD_ACTIONS = frozenset({ActionId.APPROVE, ActionId.SEND})
_EXAMPLE = re.compile(r"`(/[^`\n]+|countersign [^`\n]+|#\d+(?: #\d+)*|\d[\d.m-]*)`")


def _with_code(told: str) -> list[Part]:
    """A refusal's own words, in which an example between backticks is set as code."""
    pieces = _EXAMPLE.split(told)
    return [code(piece) if index % 2 else piece for index, piece in enumerate(pieces)]


def shared_unconfirmed(shown: SlackMessage) -> SlackMessage:
    """What was shown to somebody who shared it, where Slack did not say whether it was."""
    told = (
        "Slack did not say whether everybody was shown this. See whether it stands in this "
        "conversation before you ask for it and share it again."
    )
    return under(sentence_message(told), shown)


def trouble_message(reference: str) -> SlackMessage:
    """Something went wrong that nobody foresaw."""
    return sentence_message(
        "Something went wrong here, and nothing was changed. Please try again; if it goes on, tell"
        " whoever looks after Countersign this reference: ",
        code(reference),
        ".",
    )
