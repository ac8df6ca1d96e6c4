"""People and their roles, a page at a time, for Finance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handlers.slack.blocks.access import role_buttons
from handlers.slack.blocks.action_ids import ActionId, fits, pack
from handlers.slack.blocks.block_kit import (
    OPTION_VALUE,
    Block,
    Element,
    SlackMessage,
    actions,
    button,
    confirm,
    context,
    header,
    message,
    opening,
    option,
    paragraph,
    section,
    select,
    sentence_message,
)
from handlers.wording.addresses import page_address
from handlers.wording.formatting import counted, name, number, slash
from handlers.wording.rich_text import bold, code, fallback_text
from models.dates import until_when
from models.imports.books import Book
from models.people.permissions import Role
from models.people.users import User, person_ref

PEOPLE = "people"
"""Where a click on the list was made, for what is clicked elsewhere as well."""
NO_ROLE = "No role"
PROVES_NOTHING = "A name proves nothing: give a role to nobody whom you have not asked."
AT_ONCE = "A role that is chosen beside a name counts at once."
WAITING_SHOWN = 5
NAME_SHOWN = 80


@dataclass(frozen=True)
class PeopleShown:
    """A page of people. `waiting`: those who wait for a role; `absent`: those who are away, and who
    decides in their place. `looked_for`, `after` and `next_after` say which page it is, and where
    the next begins: behind the person of that id.
    """

    people: Sequence[User]
    waiting: Sequence[User]
    absent: Mapping[int, User | None]
    looked_for: str = ""
    after: int = 0
    next_after: int | None = None


def people_list(shown: PeopleShown) -> SlackMessage:
    """Each with a menu of roles; those who wait for one with a button for each."""
    if not (shown.people or shown.waiting):
        everybody = code(slash("bill people"))
        looked_for = name(shown.looked_for, NAME_SHOWN)
        return sentence_message(
            f"Nobody is called “{looked_for}”, or has such an e-mail address. For everybody type ",
            everybody,
            ".",
        )
    title = f"People like “{name(shown.looked_for, NAME_SHOWN)}”" if shown.looked_for else "People"
    waiting = counted(len(shown.waiting), "person waits", "people wait")
    told = f"{waiting} for a role. {PROVES_NOTHING}" if shown.waiting else AT_ONCE
    return message(
        fallback_text(f"{title}: {told}"),
        [
            header(title),
            paragraph(told),
            *_waiting(shown.waiting),
            *[_line(one, shown) for one in shown.people if one not in shown.waiting],
            *actions(*_more(shown)),
        ],
    )


def _waiting(waiting: Sequence[User]) -> list[Block]:
    left = len(waiting) - WAITING_SHOWN
    blocks: list[Block] = []
    for one in waiting[:WAITING_SHOWN]:
        account = f"Slack account {one.slack_user_id}" if one.slack_user_id else "made on the web"
        email = one.email or "no e-mail address"
        blocks += [
            section(f"{name(one.name, NAME_SHOWN)} waits for a role\n{email}, {account}"),
            *actions(*role_buttons(person_ref(one), see=PEOPLE)),
        ]
    return [*blocks, *([context(f"And {number(left)} more wait for a role.")] if left > 0 else [])]


def _line(one: User, shown: PeopleShown) -> Block:
    known = [one.email or "no e-mail address", *([] if one.slack_user_id else ["not in Slack"])]
    if one.id in shown.absent and one.away_until:
        delegate = shown.absent[one.id]
        stands_in = name(delegate.name, NAME_SHOWN) if delegate else "nobody"
        known.append(f"away {until_when(one.away_until)}, {stands_in} stands in")
    if not one.active:
        known.append("switched off")
    return section(f"{name(one.name, NAME_SHOWN)}\n{', '.join(known)}", _roles(one, shown))


def _roles(one: User, shown: PeopleShown) -> Element:
    who = name(one.name, NAME_SHOWN)
    has = (one.role or "") if one.active else None
    return select(
        ActionId.GIVE_ROLE,
        "Give a role",
        [option(words, _value(one, role, shown)) for words, role in ROLES],
        chosen=None if has is None else _value(one, has, shown),
        ask=confirm(
            "Change this role?",
            f"{who} may do what the chosen role may, at once. Now: {one.role or NO_ROLE}.",
            "Change the role",
        ),
    )


ROLES = (*((role.value, role.value) for role in Role), (NO_ROLE, ""))


def _value(one: User, role: str, shown: PeopleShown) -> str:
    """Whom and what is chosen, and, as far as it fits, on which page."""
    chosen = {"user": one.id, "role": role, "page": shown.after}
    whole = pack(**chosen, text=shown.looked_for)
    return whole if len(whole) <= OPTION_VALUE else pack(**chosen)


def _more(shown: PeopleShown) -> list[Element]:
    following = {"page": shown.next_after, "text": shown.looked_for}
    more = shown.next_after is not None and fits(**following)
    address = page_address("/people")
    page = button(ActionId.OPEN_PAGE, "Web page", pack())
    return [
        button(ActionId.IMPORT_BOOK, "Import a file", pack(book=Book.PEOPLE)),
        *([button(ActionId.PEOPLE_PAGE, "Next page", pack(**following))] if more else []),
        *([opening(page, address)] if address else []),
    ]


def role_changed(user: User) -> SlackMessage:
    """What somebody is now."""
    role = bold(user.role or "without a role")
    return sentence_message(bold(name(user.name, NAME_SHOWN)), " is ", role, " now.")


def not_known_yet(slack_user_id: str) -> SlackMessage:
    """For a Slack account that nobody here has."""
    return sentence_message(
        f"Countersign does not know the Slack account {name(slack_user_id, NAME_SHOWN)} yet. Ask"
        " them to type ",
        code(slash("bill")),
        " and to press Request access: then you give them a role here.",
    )
