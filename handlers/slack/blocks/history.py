"""The whole story of a bill: who did what, when, from where and why."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    Element,
    SlackMessage,
    actions,
    button,
    header,
    line,
    lines,
    message,
    quote,
    rich,
    weight,
)
from handlers.slack.blocks.card import full_name
from handlers.wording.bill_text import (
    bill_reference,
    bill_title,
    relatives,
    short_title,
    status_text,
)
from handlers.wording.formatting import amount_or, counted
from handlers.wording.history_text import history_text
from handlers.wording.labels import STATE_WORDS
from handlers.wording.rich_text import Quote, Sentence, bold, fallback_text
from models.queries.bill_details import BillDetails
from models.queries.history import HistoryEntry

PAGE_ACTIONS, PAGE_TEXT = 40, 8_500
MOST_RELATED = 8


def bill_history(
    facts: BillDetails, entries: Sequence[HistoryEntry], page: int = 0
) -> SlackMessage:
    """The story of a bill, oldest first; page 0 holds the newest, later pages older ones."""
    pages = _pages(facts, entries)
    page = min(page, len(pages) - 1)
    told = f"History of bill #{facts.id}, {short_title(facts)}: {_entries(len(entries))}"
    return message(
        fallback_text(f"{told}. Now {status_text(facts)}."),
        [
            header(f"History: {bill_title(facts, 140)}"),
            *full_name(facts),
            *pages[page],
            *(_relatives(facts) if page == 0 else []),
            *actions(*_other_pages(facts, page, [len(entries) for entries in pages])),
        ],
    )


def _relatives(facts: BillDetails) -> list[Block]:
    """What else there is of the month, and where it stands."""
    told: list[Sentence] = [
        [
            f"This bill {how} ",
            bold(bill_reference(one)),
            f": {amount_or(one.amount, one.currency)}, {STATE_WORDS[one.status]}.",
        ]
        for how, one in relatives(facts)[-MOST_RELATED:]
    ]
    return [lines(*told)] if told else []


def _entries(count: int) -> str:
    return counted(count, "entry", "entries")


def _other_pages(facts: BillDetails, page: int, counts: Sequence[int]) -> list[Element]:
    """The way to what was done before these, and back to what was done since."""
    older, newer = sum(counts[page + 1 :]), sum(counts[:page])
    ways = [
        (older, page + 1, f"Show {_entries(older)} before these"),
        (newer, page - 1, f"Show {_entries(newer)} after these"),
    ]
    return [
        button(ActionId.HISTORY, words, pack(bill=facts.id, page=to))
        for count, to, words in ways
        if count
    ]


def _pages(facts: BillDetails, entries: Sequence[HistoryEntry]) -> list[list[Block]]:
    """Entries as blocks, in pages from the newest back, each of them oldest first."""
    written = {entry.id: entry.at for entry in entries}
    pages: list[list[Block]] = [[]]
    left = PAGE_TEXT
    for entry in reversed(entries):
        block = _entry(entry, written, facts.currency)
        left -= weight(block)
        if pages[-1] and (left < 0 or len(pages[-1]) >= PAGE_ACTIONS):
            pages.append([])
            left = PAGE_TEXT - weight(block)
        pages[-1].insert(0, block)
    return pages


def _entry(entry: HistoryEntry, written: Mapping[int, datetime], currency: str) -> Block:
    told = history_text(entry, written, currency)
    return rich(*(quote(one.text) if isinstance(one, Quote) else line(*one) for one in told))
