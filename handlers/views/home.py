"""App Home: what waits for this person."""

from collections.abc import Sequence
from datetime import datetime

from handlers.views.actions import Act, pack
from handlers.views.card import arithmetic, bill_buttons
from handlers.views.kit import (
    Block,
    View,
    actions,
    bold,
    button,
    code,
    divider,
    header,
    home,
    lines,
    says,
)
from handlers.views.lists import bill_table
from handlers.views.phrases import bills, short_title, standing
from handlers.views.words import counted, number, totals
from models.dossier import BillFacts, Page
from models.people import Deed, User

IN_PLACE = 25


def inbox(user: User | None, waiting: Page, facts: Sequence[BillFacts], now: datetime) -> View:
    """What waits for `user`, oldest first: `facts` with buttons in place, then the other lines.

    `waiting` is the whole list's first page; `now` tells how long each bill has waited.
    """
    if user is None or user.role is None:
        return home(_stranger())
    title = "Waiting for you" if user.may(Deed.APPROVE) else "Open bills"
    return home(
        [
            *(_heading(title, waiting) if waiting.count else _nothing(title)),
            *(block for one in facts[:IN_PLACE] for block in _item(one, now)),
            *_others(waiting, {one.id for one in facts[:IN_PLACE]}),
            divider(),
            says("As of ", now, ". Type ", code("/bill help"), " for everything else."),
        ]
    )


def _stranger() -> list[Block]:
    return [
        header("Welcome to Countersign"),
        says("Bills are signed off here. You have no role yet: ask for one, and Finance is told."),
        *actions(button(Act.REQUEST_ACCESS, "Request access", pack(), "primary")),
    ]


def _heading(title: str, waiting: Page) -> list[Block]:
    count = bills(waiting.count)
    return [header(f"{title}: {number(waiting.count)}"), says(f"{count}, {totals(waiting.totals)}")]


def _nothing(title: str) -> list[Block]:
    told = "Nothing. Bills appear here as soon as they are generated."
    return [header(title), says(told)]


def _item(facts: BillFacts, now: datetime) -> list[Block]:
    waited = counted((now - facts.created_at).days, "day")
    state = standing(facts)
    return [
        divider(),
        lines(
            [bold(short_title(facts)), f" · #{facts.id}"],
            *arithmetic(facts),
            [f"{state[:1].upper()}{state[1:]}. Generated {waited} ago."],
        ),
        *actions(*bill_buttons(facts)),
    ]


def _others(waiting: Page, drawn: set[int]) -> list[Block]:
    rest = [one for one in waiting.lines if one.id not in drawn]
    if not rest:
        return []
    left = waiting.count - len(drawn) - len(rest)
    more = [says(f"and {bills(left)} more: type ", code("/bill list"), ".")] if left > 0 else []
    return [divider(), bill_table(rest), *more]
