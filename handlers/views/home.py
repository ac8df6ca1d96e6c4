"""App Home: what waits for this person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from handlers.views.buttons import bill_buttons
from handlers.views.card import arithmetic
from handlers.views.clicks import Click, pack
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
from handlers.views.words import counted, number, slash, totals
from models.people.permissions import Role
from models.people.users import User
from models.queries.bill_details import BillDetails
from models.queries.bill_list import Page

IN_PLACE = 12


@dataclass(frozen=True)
class Desk:
    """How the tab reads for a role: its title, what to say when nothing waits, who may click.

    `next_command`: what this role could type then.
    """

    title: str
    idle: str
    next_command: str | None = None
    acts: bool = True


_APPROVER = Desk(
    "Waiting for you", "No bill needs you now. Each that does appears here and as a message."
)
DESKS = {
    Role.FINANCE: Desk(
        "Held, waiting for you",
        "No bill is held. To see what last month’s bills would be, type ",
        "bill generate",
    ),
    Role.CSM: _APPROVER,
    Role.SALES: _APPROVER,
    Role.MANAGER: Desk("Waiting for somebody", "No bill waits for anybody now.", acts=False),
}


def inbox(user: User | None, waiting: Page, facts: Sequence[BillDetails], now: datetime) -> View:
    """What waits for `user`, oldest first: `facts` with buttons in place, then the other lines.

    `waiting` is the whole list's first page; `now` tells how long each bill has waited. Managers,
    who decide nothing, get the lines alone.
    """
    if user is None or user.role is None:
        return home(_stranger())
    desk = DESKS[Role(user.role)]
    shown = facts[:IN_PLACE] if desk.acts else ()
    return home(
        [
            *_heading(desk, waiting),
            *(block for one in shown for block in _item(one, now)),
            *_others(waiting, {one.id for one in shown}),
            divider(),
            says("As of ", now, ". Type ", code(slash("bill help")), " for everything else."),
        ]
    )


def _stranger() -> list[Block]:
    return [
        header("Welcome to Countersign"),
        says("Bills are signed off here. You have no role yet: ask for one, and Finance is told."),
        *actions(button(Click.REQUEST_ACCESS, "Request access", pack(), "primary")),
    ]


def _heading(desk: Desk, waiting: Page) -> list[Block]:
    if not waiting.count:
        hint = [code(slash(desk.next_command))] if desk.next_command else []
        return [header(desk.title), says(desk.idle, *hint)]
    told = f"{bills(waiting.count)}, {totals(waiting.totals)}"
    return [header(f"{desk.title}: {number(waiting.count)}"), says(told)]


def _item(facts: BillDetails, now: datetime) -> list[Block]:
    days = (now - facts.created_at).days
    waited = f"{counted(days, 'day')} ago" if days > 0 else "today"
    state = standing(facts)
    return [
        divider(),
        lines(
            [bold(short_title(facts)), f" · #{facts.id}"],
            *arithmetic(facts),
            [f"{state[:1].upper()}{state[1:]}. Generated {waited}."],
        ),
        *actions(*bill_buttons(facts)),
    ]


def _others(waiting: Page, drawn: set[int]) -> list[Block]:
    rest = [one for one in waiting.lines if one.id not in drawn]
    if not rest:
        return []
    left = waiting.count - len(drawn) - len(rest)
    more = (
        [says(f"and {bills(left)} more: type ", code(slash("bill list mine")), ".")]
        if left > 0
        else []
    )
    return [divider(), bill_table(rest), *more]
