"""What is said back to somebody: answers, confirmations, notices, refusals."""

import re
from datetime import date

from handlers.views.buttons import question
from handlers.views.clicks import Click, fits, pack
from handlers.views.commands import help_for, near_miss
from handlers.views.history import history
from handlers.views.kit import (
    Part,
    SlackMessage,
    actions,
    bold,
    button,
    code,
    confirm,
    message,
    saying,
    says,
    spoken,
)
from handlers.views.lists import bill_list, digest, usage
from handlers.views.months import cancelled, generating, preview, progress, summary
from handlers.views.notices import (
    SETTLED_NAMED,
    approvals_fell,
    approvals_notice,
    not_sent,
    rejection_notice,
    settled,
)
from handlers.views.phrases import amount, corrected, short_title
from handlers.views.words import day, name, person, plain, sentence, slash
from models.bills.states import Verb
from models.errors import Ambiguous, Changed, Refusal
from models.people.permissions import Role
from models.people.users import PersonRef
from models.queries.bill_details import BillDetails

__all__ = [
    "SETTLED_NAMED",
    "access_asked",
    "access_granted",
    "access_requested",
    "access_settled",
    "approvals_fell",
    "approvals_notice",
    "away",
    "back",
    "bill_list",
    "cancelled",
    "digest",
    "generating",
    "help_for",
    "history",
    "near_miss",
    "not_recorded",
    "not_sent",
    "preview",
    "progress",
    "reads_like_a_decision",
    "refusal",
    "rejection_notice",
    "request_access",
    "settled",
    "summary",
    "trouble",
    "usage",
]

SENTENCE_LIMIT = 2000
CHOICES = 5


def refusal(
    refused: Refusal, command: str = "", text: str = "{}", click: Click | None = None
) -> SlackMessage:
    """The sentence, and for an ambiguous name a button each that runs the command again.

    `command` is that command as it was typed, `text` what stood behind it with `{}` in the
    place of the name; without `command` there are no buttons. `click`: what was to be done.
    """
    if isinstance(refused, Changed):
        return saying(_changed(refused, click))
    told = plain(refused.sentence, SENTENCE_LIMIT)
    names = refused.choices if isinstance(refused, Ambiguous) and command else []
    runs = [(one, {"command": command, "text": text.replace("{}", one)}) for one in names]
    buttons = [button(Click.CHOOSE, name(one, 75), pack(**run)) for one, run in runs if fits(**run)]
    return message(spoken(told), [says(*_with_code(told)), *actions(*buttons[:CHOICES])])


_NOT_DONE = {
    Click.APPROVE: "approved",
    Click.REJECT: "rejected",
    Click.RELEASE: "released",
    Click.REVISE: "revised",
    Click.SEND: "sent",
    Click.UNDO: "undone",
    Click.VOID: "made void",
    Click.REISSUE: "billed",
}


def _changed(refused: Changed, click: Click | None) -> str:
    """As in "This bill changed while you were looking: usage was corrected from ..."."""
    told = corrected(refused.changes, refused.currency)
    where = "The card above" if click in CARD_CLICKS else "The card"
    done = _NOT_DONE.get(click, "done") if click else "done"
    return (
        f"This bill changed while you were looking: {told}. {where} is up to date;"
        f" nothing was {done}."
    )


CARD_CLICKS = frozenset({Click.APPROVE, Click.SEND})


_COMMAND = re.compile(r"`(/[^`\n]+|countersign [^`\n]+|#\d+|\d[\d.m-]*)`")


def _with_code(told: str) -> list[Part]:
    """A refusal's own words, in which a command between backticks is set as code."""
    pieces = _COMMAND.split(told)
    return [code(piece) if index % 2 else piece for index, piece in enumerate(pieces)]


NO_ROLE = "You have no role in Countersign yet, so there is nothing it can show you."
SWITCHED_OFF = "You are no longer active in Countersign."


def request_access(why: str = NO_ROLE) -> SlackMessage:
    """For somebody who may do nothing: `why` not, and the way in."""
    return saying(
        f"{why} Ask for access, and Finance is told.",
        buttons=[button(Click.REQUEST_ACCESS, "Request access", pack(), "primary")],
    )


def access_asked() -> SlackMessage:
    """To whoever asked."""
    return saying("Finance has been asked to give you a role. You hear from me when they have.")


def access_requested(by: PersonRef) -> SlackMessage:
    """To Finance: who asks, and a button for each role."""
    who = name(by.name, 200)
    buttons = [
        button(
            Click.GRANT_ACCESS,
            role,
            pack(user=by.id, role=role),
            ask=confirm("Give this role?", f"{who} gets the role {role}.", "Give the role"),
            label=f"Give {name(by.name, 30)} the role {role}",
        )
        for role in Role
    ]
    return saying(bold(who), " asks for access to Countersign. Which role?", buttons=buttons)


def access_settled(person_: PersonRef, by: PersonRef) -> SlackMessage:
    """What becomes of the request once somebody has answered it."""
    given = f"is {person_.role}" if person_.role else "has no role"
    return saying(bold(name(person_.name, 200)), f" {given} now. Settled by {person(by)}.")


def away(delegate: PersonRef, until: date) -> SlackMessage:
    """To whoever goes away."""
    told = f"You are away up to and including {day(until)}. Meanwhile {person(delegate)} decides"
    return saying(f"{told} in your place. Back earlier? Type ", code(slash("bill back")), ".")


def back(was_away: bool) -> SlackMessage:
    """To whoever is back."""
    welcome = "Welcome back: what needs you comes to you again."
    return saying(welcome if was_away else "You were not away, so nothing was changed.")


_ARRIVING = ("Bills that need you arrive here. Type ", "bill list mine", " to see them.")
_FIRST_STEPS = {
    Role.FINANCE: ("Type ", "bill generate", " to see what last month’s bills would be."),
    Role.CSM: _ARRIVING,
    Role.SALES: _ARRIVING,
    Role.MANAGER: ("Type ", "bill list", " to see the bills."),
}


def access_granted(role: Role) -> SlackMessage:
    before, command, after = _FIRST_STEPS[role]
    told = ("Your role in Countersign is ", bold(role), ". ", before, code(slash(command)), after)
    return saying(*told)


def not_recorded(reason: str, what: str = "reply") -> SlackMessage:
    """To whoever replied in a card's thread, or edited a reply, and may not comment."""
    return saying(f"Your {what} was not recorded on the bill. {sentence(reason)}")


_DECISION = {
    Verb.APPROVE: ("approve", "Approve", Click.APPROVE),
    Verb.REJECT: ("reject", "Reject", Click.REJECT),
}


def reads_like_a_decision(facts: BillDetails, verb: Verb) -> SlackMessage:
    """To whoever replied "approve" in a thread: a comment decides nothing, this button does."""
    do, words, click = _DECISION[verb]
    value = pack(bill=facts.id, version=facts.version)
    ask = confirm(f"{words} this bill?", question(facts), words) if click is Click.APPROVE else None
    return saying(
        "Your reply is kept as a comment, and decides nothing yet. ",
        f"To {do} bill #{facts.id}, {short_title(facts)}, {amount(facts)}, click the button.",
        buttons=[button(click, words, value, "primary" if ask else "danger", ask=ask)],
    )


def trouble(reference: str) -> SlackMessage:
    """Something went wrong that nobody foresaw."""
    return saying(
        "Something went wrong here, and nothing was changed. Please try again; if it goes on, tell"
        " whoever looks after Countersign this reference: ",
        code(reference),
        ".",
    )
