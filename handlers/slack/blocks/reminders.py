"""Reminders of what waits, to whoever is asked; and to Finance, where that was of no use."""

from collections.abc import Sequence

from handlers.slack.blocks.block_kit import SlackMessage, bullets, header, message, paragraph, rich
from handlers.wording.addresses import bill_address
from handlers.wording.bill_text import amount, approvers_text, short_title
from handlers.wording.formatting import bill_count, number, slash
from handlers.wording.rich_text import Link, Part, Sentence, bold, code, fallback_text
from models.queries.bill_details import BillDetails


def reminder(shown: Sequence[BillDetails], count: int, *, is_channel: bool) -> SlackMessage:
    """`shown`: the oldest of `count` bills that wait for its reader, or for those of a channel."""
    verb = "waits" if count == 1 else "wait"
    title = f"{bill_count(count)} {verb} for {'approval' if is_channel else 'you'}"
    told: Sentence = [f"{title}, the oldest since ", shown[0].created_at, "."]
    hint = paragraph(
        "Each card has its buttons; for a list type ",
        code(slash("bill list pending" if is_channel else "bill list mine")),
        ".",
    )
    each = [[*_which(one), ", since ", one.created_at] for one in shown]
    return message(
        fallback_text(*told), [header(title), rich(bullets([*each, *_more(shown, count)])), hint]
    )


def escalation(shown: Sequence[BillDetails], count: int) -> SlackMessage:
    """To Finance: who has not decided for how long, though they were reminded."""
    title = f"{bill_count(count)} {'waits' if count == 1 else 'wait'} too long"
    told: Sentence = [f"{title}, the oldest since ", shown[0].created_at, "."]
    each = [
        [*_which(one), f": waits for {approvers_text(one.needed)}, since ", one.created_at]
        for one in shown
    ]
    hint = paragraph("To ask somebody else, type ", code(slash(f"bill show #{shown[0].id}")), ".")
    return message(
        fallback_text(*told), [header(title), rich(bullets([*each, *_more(shown, count)])), hint]
    )


def _which(facts: BillDetails) -> list[Part]:
    address = bill_address(facts.id)
    called: Part = Link(f"#{facts.id}", address) if address else f"#{facts.id}"
    return [called, f" {short_title(facts)}, ", bold(amount(facts))]


def _more(shown: Sequence[BillDetails], count: int) -> list[Sentence]:
    more = count - len(shown)
    return [[f"and {number(more)} more"]] if more > 0 else []
