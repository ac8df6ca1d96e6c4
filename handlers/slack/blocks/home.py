"""App Home: what waits for this person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.bill_list import bill_table
from handlers.slack.blocks.block_kit import (
    Block,
    View,
    actions,
    button,
    divider,
    header,
    home_tab,
    lines,
    paragraph,
)
from handlers.slack.blocks.buttons import bill_buttons
from handlers.slack.blocks.card import arithmetic
from handlers.wording.bill_text import bill_count, listed, short_title, status_text
from handlers.wording.formatting import counted, number, slash
from handlers.wording.rich_text import bold, code
from models.people.permissions import Role
from models.people.users import User
from models.queries.bill_details import BillDetails
from models.queries.bill_list import Page

IN_PLACE = 12


@dataclass(frozen=True)
class RoleHome:
    """How the tab reads for a role: its title, what to say when nothing waits, who may click.

    `next_command`: what this role could type then.
    """

    title: str
    idle: str
    next_command: str | None = None
    acts: bool = True


_APPROVER = RoleHome(
    "Waiting for you", "No bill needs you now. Each that does appears here and as a message."
)

ROLE_HOMES = {
    Role.FINANCE: RoleHome(
        "Held, waiting for you",
        "No bill is held. To see what last month’s bills would be, type ",
        "bill generate",
    ),
    Role.CSM: _APPROVER,
    Role.SALES: _APPROVER,
    Role.MANAGER: RoleHome("Waiting for somebody", "No bill waits for anybody now.", acts=False),
}


def home_view(
    user: User | None, waiting: Page, facts: Sequence[BillDetails], now: datetime
) -> View:
    """What waits for `user`, oldest first: `facts` with buttons in place, then the other lines.

    `waiting` is the whole list's first page; `now` tells how long each bill has waited. Managers,
    who decide nothing, get the lines alone.
    """
    if user is None or user.role is None:
        return home_tab(_stranger())
    role_home = ROLE_HOMES[Role(user.role)]
    shown = facts[:IN_PLACE] if role_home.acts else ()
    return home_tab(
        [
            *_heading(role_home, waiting),
            *(block for one in shown for block in _item(one, now, user)),
            *_others(waiting, {one.id for one in shown}),
            divider(),
            paragraph("As of ", now, ". Type ", code(slash("bill help")), " for everything else."),
        ]
    )


def _stranger() -> list[Block]:
    return [
        header("Welcome to Countersign"),
        paragraph(
            "Bills are signed off here. You have no role yet: ask for one, and Finance is told."
        ),
        *actions(button(ActionId.REQUEST_ACCESS, "Request access", pack(), "primary")),
    ]


def _heading(role_home: RoleHome, waiting: Page) -> list[Block]:
    if not waiting.count:
        hint = [code(slash(role_home.next_command))] if role_home.next_command else []
        return [header(role_home.title), paragraph(role_home.idle, *hint)]
    if not waiting.is_counted:
        return [header(f"{role_home.title}: {listed(waiting)}")]
    return [header(f"{role_home.title}: {number(waiting.count)}"), paragraph(listed(waiting))]


def _item(facts: BillDetails, now: datetime, reader: User) -> list[Block]:
    days = (now - facts.created_at).days
    waited = f"{counted(days, 'day')} ago" if days > 0 else "today"
    state = status_text(facts)
    return [
        divider(),
        lines(
            [bold(short_title(facts)), f" · #{facts.id}"],
            *arithmetic(facts),
            [f"{state[:1].upper()}{state[1:]}. Generated {waited}."],
        ),
        *actions(*bill_buttons(facts, reader)),
    ]


def _others(waiting: Page, drawn: set[int]) -> list[Block]:
    rest = [one for one in waiting.lines if one.id not in drawn]
    if not rest:
        return []
    left = waiting.count - len(drawn) - len(rest)
    told = f"and {bill_count(left)} more" if waiting.is_counted else "and many more"
    more = [paragraph(f"{told}: type ", code(slash("bill list mine")), ".")] if left > 0 else []
    return [divider(), bill_table(rest), *more]
