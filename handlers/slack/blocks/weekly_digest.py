"""The digest that Finance gets each week."""

from handlers.slack.blocks.block_kit import SlackMessage, bullets, header, message, paragraph, rich
from handlers.wording.rich_text import Sentence, fallback_text
from handlers.wording.weekly_text import weekly_sentences, weekly_told
from models.queries.weekly_digest import WeeklyDigest


def weekly_digest(facts: WeeklyDigest) -> SlackMessage:
    """As things stand when it is sent."""
    told = weekly_told(facts)
    each: list[Sentence] = list(weekly_sentences(facts))
    return message(
        fallback_text(f"Your week in Countersign: {told}"),
        [
            header("Your week in Countersign"),
            paragraph(f"{told[:1].upper()}{told[1:]}"),
            *([rich(bullets(each))] if each else []),
        ],
    )
