"""A bill as it is posted."""

from collections.abc import Sequence

from handlers.slack.blocks.block_kit import (
    Block,
    Element,
    SlackMessage,
    actions,
    context,
    header,
    line,
    lines,
    message,
    paragraph,
    quote,
    rich,
)
from handlers.slack.blocks.buttons import bill_buttons, who_may
from handlers.wording.bill_text import (
    amount,
    bill_title,
    multiplication,
    short_title,
    status_text,
    usage_text,
)
from handlers.wording.bill_trend import trend_text
from handlers.wording.formatting import counted, name, writer
from handlers.wording.refusals import Medium
from handlers.wording.rich_text import Quote, Sentence, bold, fallback_text
from handlers.wording.standing_text import standing_text
from models.people.permissions import Permission
from models.people.users import User
from models.queries.bill_details import BillDetails, Comment

LATEST_COMMENT = 400


def bill_card(
    facts: BillDetails, reader: User | None = None, *, has_thread: bool = True
) -> SlackMessage:
    """The card as one `reader` sees it, with the buttons that work for them; or, where many do,
    with all of them and a line that says whose they are. What is clicked is judged at the click.

    An answer that only one person sees, and for minutes, has no thread to reply in.
    """
    text = fallback_text(
        f"Bill #{facts.id}, {short_title(facts)}, {amount(facts)}: {status_text(facts)}."
    )
    return message(
        text,
        [
            header(bill_title(facts)),
            *full_name(facts),
            lines(*arithmetic(facts)),
            *_trend(facts),
            rich(*_standing(facts)),
            *_comments(facts.comments),
            *actions(*bill_buttons(facts, reader)),
            *_small_print(facts, reader, has_thread=has_thread),
        ],
    )


def _small_print(facts: BillDetails, reader: User | None, *, has_thread: bool) -> list[Block]:
    whose = who_may(facts) if reader is None else ""
    comments = has_thread and (reader is None or reader.can(Permission.COMMENT))
    told = [whose, "Reply in the thread to comment." if comments else ""]
    return [context(one) for one in told if one]


def full_name(facts: BillDetails) -> list[Block]:
    whole = name(facts.customer)
    return [] if bill_title(facts).startswith(whole) else [paragraph(bold(whole))]


def arithmetic(facts: BillDetails) -> list[Sentence]:
    return [[usage_text(facts)], multiplication(facts)]


def _trend(facts: BillDetails) -> list[Block]:
    told = trend_text(facts)
    return [lines(*told)] if told else []


def _standing(facts: BillDetails) -> list[Element]:
    return [
        quote(one.text, LATEST_COMMENT) if isinstance(one, Quote) else line(*one)
        for one in standing_text(facts, Medium.SLACK)
    ]


def _comments(comments: Sequence[Comment]) -> list[Block]:
    if not comments:
        return []
    latest = comments[-1]
    count = counted(len(comments), "comment")
    lead = f"{count}, the latest by" if len(comments) > 1 else "1 comment, by"
    edited = " (edited)" if latest.edited else ""
    said = line(f"{lead} {writer(latest)}, ", latest.at, f"{edited}:")
    return [rich(said, quote(latest.text, LATEST_COMMENT))]
