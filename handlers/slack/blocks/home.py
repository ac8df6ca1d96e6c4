"""App Home: what waits for this person, what they decided of late, and the month as it stands."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    Element,
    View,
    actions,
    bullets,
    button,
    divider,
    header,
    home_tab,
    lines,
    paragraph,
    rich,
)
from handlers.slack.blocks.buttons import bill_buttons, undo_buttons
from handlers.slack.blocks.card import arithmetic
from handlers.slack.blocks.month_board import month_board
from handlers.slack.blocks.ticks import tick, tick_all, tick_none
from handlers.wording.bill_text import amount, listed, short_title, state_of, status_text
from handlers.wording.formatting import bill_count, counted, number, slash
from handlers.wording.history_text import history_sentence
from handlers.wording.refusals import Medium
from handlers.wording.rich_text import Sentence, bold, code
from handlers.wording.standing_text import cure_text
from models.bills.states import Verb
from models.people.permissions import Role
from models.people.users import User
from models.queries.allowed_verbs import allowed_verbs
from models.queries.bill_details import BillDetails
from models.queries.bill_list import BillLine, Page
from models.queries.home import PAGE_BILLS, HomeFacts
from models.queries.recent_decisions import RecentDecision


@dataclass(frozen=True)
class RoleHome:
    """How the tab reads for a role: its title, and what to say when nothing waits.

    `next_command`: what this role could type then.
    """

    title: str
    idle: str
    next_command: str | None = None


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
    Role.MANAGER: RoleHome("Waiting for somebody", "No bill waits for anybody now."),
}


def home_view(facts: HomeFacts) -> View:
    """What waits for this person, oldest first and a page at a time, with its buttons in place;
    managers, who decide nothing, get the lines alone, below the month that they watch.
    """
    user = facts.user
    if user.role is None:
        return stranger_home()
    inbox = [*_heading(ROLE_HOMES[Role(user.role)], facts.waiting), *_inbox(facts)]
    board = (
        month_board(facts.board, facts.newest_month, facts.all_waiting, facts.billed)
        if facts.board
        else []
    )
    first, second = (board, inbox) if user.role == Role.MANAGER else (inbox, _recent(facts))
    third = [] if user.role == Role.MANAGER else board
    return home_tab([*first, *second, *third, divider(), *_elsewhere(facts), _as_of(facts.now)])


def stranger_home() -> View:
    """What whoever has no role yet can do."""
    return home_tab(
        [
            header("Welcome to Countersign"),
            paragraph(
                "Bills are signed off here. You have no role yet: ask for one, and Finance is told."
            ),
            *actions(button(ActionId.REQUEST_ACCESS, "Request access", pack(), "primary")),
        ]
    )


def _elsewhere(facts: HomeFacts) -> list[Block]:
    """What Finance does by commands."""
    if facts.user.role != Role.FINANCE:
        return []
    commands = {
        "Generate the last month": "bill generate",
        "Send what is approved": f"bill send {facts.newest_month}",
        "Take in usage": "usage import",
        "People and their roles": "bill people",
    }
    told: list[Sentence] = [[f"{what}: ", code(slash(it))] for what, it in commands.items()]
    return [rich(bullets(told))]


def _as_of(now: datetime) -> Block:
    return paragraph("As of ", now, ". Type ", code(slash("bill help")), " for everything else.")


def _heading(role_home: RoleHome, waiting: Page) -> list[Block]:
    if not waiting.count:
        hint: Sentence = (
            [code(slash(role_home.next_command)), "."] if role_home.next_command else []
        )
        return [header(role_home.title), paragraph(role_home.idle, *hint)]
    if not waiting.is_counted:
        return [header(f"{role_home.title}: {listed(waiting)}")]
    return [header(f"{role_home.title}: {number(waiting.count)}"), paragraph(listed(waiting))]


def _inbox(facts: HomeFacts) -> list[Block]:
    able = {one.id for one in facts.bills if Verb.APPROVE in allowed_verbs(one, facts.user)}
    selectable = able if facts.waiting.count > 1 else set()
    items = [
        block
        for one in facts.bills
        for block in _item(one, facts, is_selectable=one.id in selectable)
    ]
    told: list[Sentence] = [[_line(one)] for one in facts.waiting.lines if not facts.bills]
    lines_alone = [rich(bullets(told))] if told else []
    return [*items, *lines_alone, *_under(facts, selectable)]


def _line(one: BillLine) -> str:
    return f"#{one.id}, {short_title(one)}: {amount(one)}, {state_of(one)}"


def _item(facts: BillDetails, home: HomeFacts, *, is_selectable: bool) -> list[Block]:
    days = (home.now - facts.created_at).days
    waited = f"{counted(days, 'day')} ago" if days > 0 else "today"
    state = status_text(facts)
    told = lines(
        [bold(short_title(facts)), f" · #{facts.id}"],
        *arithmetic(facts),
        [
            f"{state[:1].upper()}{state[1:]}.",
            *cure_text(facts, Medium.SLACK),
            f" Generated {waited}.",
        ],
    )
    buttons = bill_buttons(facts, home.user)
    if not is_selectable:
        return [divider(), told, *actions(*buttons)]
    value = pack(bill=facts.id, version=facts.version)
    is_ticked = home.place.selected.get(facts.id) == facts.version
    box = tick(f"Select #{facts.id}", value, is_ticked=is_ticked)
    (row,) = actions(box, *buttons)
    kept = f"bill:{facts.id}:{facts.version}:{home.place.ticking}"
    return [divider(), told, {**row, "block_id": kept}]


def _under(facts: HomeFacts, selectable: Collection[int]) -> list[Block]:
    """What is done with what is selected, and the way to the other pages."""
    selected = facts.place.selected.keys()
    selecting = _selecting(facts, selectable) if selectable or selected else []
    rows = [*selecting, *_paging(facts)]
    return [divider(), *_where(facts), *actions(*rows)] if rows else []


def _selecting(facts: HomeFacts, selectable: Collection[int]) -> list[Element]:
    selected = facts.place.selected.keys()
    is_long = facts.waiting.after is not None or facts.place.page > 1
    under = button(ActionId.APPROVE_UNDER, "Approve under an amount", pack())
    return [
        button(ActionId.APPROVE_SELECTED, "Approve selected", pack(), "primary"),
        *([tick_all()] if set(selectable) - selected else []),
        *([tick_none()] if selected else []),
        *([under] if is_long else []),
    ]


def _where(facts: HomeFacts) -> list[Block]:
    """Which of the bills these are, where there are more, and how many are selected elsewhere."""
    first = (facts.place.page - 1) * PAGE_BILLS + 1
    last = first + len(facts.waiting.lines) - 1
    if facts.waiting.after is None and facts.place.page == 1:
        return []
    whole = f" of {bill_count(facts.waiting.count)}" if facts.waiting.is_counted else ""
    elsewhere = len(facts.place.selected.keys() - {one.id for one in facts.waiting.lines})
    kept = f" Selected on other pages: {bill_count(elsewhere)}." if elsewhere else ""
    return [paragraph(f"{number(first)} to {number(last)}{whole}, the oldest first.{kept}")]


def _paging(facts: HomeFacts) -> list[Element]:
    place, after = facts.place, facts.waiting.after
    first = [button(ActionId.HOME_PAGE, "First page", pack(page=1))] if place.page > 1 else []
    if after is None:
        return first
    return [*first, button(ActionId.HOME_PAGE, "Next page", pack(after=after, page=place.page + 1))]


def _recent(facts: HomeFacts) -> list[Block]:
    if not facts.recent:
        return []
    told = [block for one in facts.recent for block in _decision(one, facts.user)]
    return [header("Your recent decisions"), *told]


def _decision(one: RecentDecision, reader: User) -> list[Block]:
    said: Sentence = [*history_sentence(one.decision, one.bill.currency), ", ", one.decision.at]
    which: Sentence = [bold(short_title(one.bill)), f" · #{one.bill.id}"]
    undo: Sequence[Element] = undo_buttons(one.bill, reader) if one.can_undo else ()
    return [lines(which, said), *actions(*undo)]
