"""Plain words to the bot, answered like the commands that they mean."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace

from handlers.slack import bill
from handlers.slack.answers import Answer, Dialog, Reply
from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.help import SUBCOMMANDS, help_for, help_for_person, needs_command
from handlers.slack.blocks.nearest import ORDINARY, Named, nearest_to
from handlers.slack.context import RequestContext
from handlers.slack.parsing import HELP, first_word, month_within, subcommand_and_rest, typed_text
from handlers.slack.plain_words import (
    bot_left_out,
    command_and_line,
    line_meant,
    number_within,
    without_filler,
)
from handlers.slack.references import means_a_bill
from handlers.slack.request import carried
from handlers.wording.formatting import slash
from models.customers.search import find_within
from models.errors import Invalid
from models.queries.references import is_customer

Commands = Mapping[str, Collection[str]]
Run = Callable[[RequestContext], Awaitable[Answer]]

AT_ONCE = frozenset({("bill", "away"), ("bill", "back"), ("usage", "record")})
"""Commands that change something without another click."""
MOST_CHARS = 1000
TOO_LONG = f"A command has at most {MOST_CHARS:,} characters. Nothing was done."


async def answer(context: RequestContext, commands: Commands, run: Run) -> Answer:
    """What somebody writes to the bot: one of the `commands`, of `bill` if they name none.

    Words change nothing: what would at once, or wants a dialog, is answered with the command to
    type, and the card of the bill that it is about.
    """
    said = context.request.body["event"].get("text") or ""
    line = line_meant(typed_text(bot_left_out(said, context.services.bot_user_id)))
    if len(line) > MOST_CHARS:
        raise Invalid(TOO_LONG)
    is_name = await is_customer(context.session, line)
    command, text = ("bill", line) if is_name else command_and_line(line, commands)
    word, rest = subcommand_and_rest(text)
    if word in HELP and text == line and not is_name:
        return Reply(_help(context, first_word(rest)[0].lower()))
    if (command, word) in AT_ONCE and not await is_customer(context.session, text):
        return Reply(needs_command(command, text))
    if word in commands[command] or (command == "bill" and word in bill.ON_ITS_CARD):
        text = f"{word} {await _without_filler(context, rest)}".strip()
    elif command != "bill":
        text = await _without_filler(context, text)
    elif word not in HELP and not await means_a_bill(context, text):
        return Reply(nearest_to(line, await _named_in(context, line), context.user))
    answered = await run(replace(context, command=slash(command), text=text))
    if isinstance(answered, Dialog):
        lead = needs_command(command, text)
        bill_id = carried(answered.view.get("private_metadata"), "bill")
        return await bill.shown_under(context, lead, bill_id) if bill_id else Reply(lead)
    return answered


async def _without_filler(context: RequestContext, named: str) -> str:
    return named if await is_customer(context.session, named) else without_filler(named)


def _help(context: RequestContext, about: str) -> SlackMessage:
    """Of the command or subcommand asked about, else of all that the asker may do."""
    if about in SUBCOMMANDS:
        return help_for(about)
    for command, known in SUBCOMMANDS.items():
        if about in {one.name for one in known if one.name}:
            return help_for(command, about)
    return help_for_person(context.user)


async def _named_in(context: RequestContext, line: str) -> Named:
    """The bill, the customer and the month that a sentence speaks of."""
    period = month_within(line, context.today)
    customer = await find_within(context.session, line, ORDINARY)
    return Named(number_within(line), customer, period.in_words if period else "")
