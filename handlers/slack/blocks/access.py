"""Asking for a role, being given one; going away and coming back."""

from datetime import date

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Element,
    SlackMessage,
    button,
    confirm,
    opening,
    sentence_message,
)
from handlers.wording.formatting import day, name, person, slash
from handlers.wording.refusals import Medium, ask_parts, who_parts
from handlers.wording.rich_text import Mention, Sentence, bold, code
from models.dates import until_when
from models.named_people import PersonRef, WhoCan
from models.people.permissions import Role

NO_ROLE = "You have no role in Countersign yet, so there is nothing it can show you."
SWITCHED_OFF = "You are no longer active in Countersign."


def access_offer(who: WhoCan, why: str = NO_ROLE) -> SlackMessage:
    """For somebody who may do nothing: `why` not, and the way in, by `who` gives roles."""
    if not who.people:
        return sentence_message(why, *ask_parts(who, Medium.SLACK))
    return sentence_message(
        f"{why} Ask for access, and Finance is told: ",
        *who_parts(who, Medium.SLACK, "and"),
        ".",
        buttons=[button(ActionId.REQUEST_ACCESS, "Request access", pack(), "primary")],
    )


def access_asked() -> SlackMessage:
    """To whoever asked."""
    return sentence_message(
        "Finance has been asked to give you a role. You hear from me when they have."
    )


def access_requested(by: PersonRef, email: str | None = None) -> SlackMessage:
    """To Finance: who asks, by all that tells them apart, a button for each role, and one to
    decline.
    """
    account: Sentence = [Mention(by.slack_user_id)] if by.slack_user_id else []
    known: Sentence = [*account, ", " if account and email else "", name(email or "", 200)]
    told: Sentence = [" (", *known, ")"] if account or email else []
    return sentence_message(
        bold(name(by.name, 200)),
        *told,
        " asks for access to Countersign. Which role?",
        buttons=role_buttons(by),
    )


def role_buttons(by: PersonRef, see: str | None = None) -> list[Element]:
    """What answers a request: a button for each role, and one to decline. `see`: where they stand,
    if not under the request itself.
    """
    who = name(by.name, 200)
    buttons = [
        button(
            ActionId.GRANT_ACCESS,
            role,
            pack(user=by.id, role=role, see=see),
            ask=confirm("Give this role?", f"{who} gets the role {role}.", "Give the role"),
            label=f"Give {name(by.name, 30)} the role {role}",
        )
        for role in Role
    ]
    decline = button(
        ActionId.DECLINE_ACCESS,
        "Decline",
        pack(user=by.id, see=see),
        "danger",
        ask=confirm("Decline this request?", f"{who} gets no role, and is told.", "Decline"),
        label=f"Decline the request of {name(by.name, 30)}",
    )
    return [*buttons, decline]


def access_settled(person_: PersonRef, by: PersonRef, *, declined: bool = False) -> SlackMessage:
    """What becomes of the request once somebody has answered it."""
    who = bold(name(person_.name, 200))
    if declined:
        return sentence_message(f"{person(by)} declined that ", who, " gets a role.")
    return sentence_message(who, f" is {person_.role} now. Settled by {person(by)}.")


def access_declined(by: PersonRef) -> SlackMessage:
    """To whoever asked."""
    return sentence_message(
        f"{person(by)} declined your request for access to Countersign. Talk to them if you need"
        " it; you can ask again tomorrow."
    )


def sign_in_link(person_: PersonRef, address: str) -> SlackMessage:
    """A button that signs this person in. The address is in nothing that Slack shows elsewhere:
    neither in a notification nor in a preview.
    """
    return sentence_message(
        f"This signs you in to the web pages as {name(person_.name, 200)}. It works once, within"
        " ten minutes, and is for you alone.",
        buttons=[
            opening(button(ActionId.OPEN_PAGE, "Open the web pages", pack(), "primary"), address)
        ],
    )


def standing_in(who: PersonRef, until: date) -> SlackMessage:
    """To a delegate: in whose place they decide, and for how long."""
    return sentence_message(
        f"{person(who)} is away {until_when(until)}. Meanwhile you decide in their"
        " place: what needs them comes to you. Type ",
        code(slash("bill list mine")),
        " to see it.",
    )


def no_longer_standing_in(who: PersonRef) -> SlackMessage:
    """To a delegate, once that is over."""
    return sentence_message(f"You do not decide in the place of {person(who)} any more.")


def passed_on(former: PersonRef, delegate: PersonRef) -> SlackMessage:
    """To whoever is away, once their delegate goes too."""
    return sentence_message(
        f"{person(former)} is away too. Meanwhile {person(delegate)} decides in your place."
    )


def away_by_status(until: date, delegate: PersonRef | None) -> SlackMessage:
    """To whoever is away by their status in Slack."""
    stands_in = (
        f"Meanwhile {person(delegate)} decides in your place, as the last time."
        if delegate
        else "Nobody decides in your place."
    )
    return sentence_message(
        f"By your status in Slack you are away {until_when(until, 'your')}. {stands_in} To name"
        f" somebody{' else' if delegate else ''}, type ",
        code(slash("bill away until DATE @person")),
        "; if you are here, ",
        code(slash("bill back")),
        ".",
    )


def delegate_lost(away: PersonRef, delegate: PersonRef, *, for_away: bool) -> SlackMessage:
    """To whoever is away, and to Finance: nobody decides in their place any more."""
    may_not = f"{person(delegate)} may not approve bills any more"
    if for_away:
        return sentence_message(
            f"{may_not}, so nobody decides in your place while you are away. To name somebody else,"
            " type ",
            code(slash("bill away until DATE @person")),
            ".",
        )
    return sentence_message(
        bold(f"{may_not}, and decided in the place of {person(away)}, who is away."),
        f" Their bills wait for {person(away)} alone. To ask somebody else, use Reassign on each"
        " bill; for a list type ",
        code(slash("bill list pending")),
        ".",
    )


def left_slack(who: PersonRef) -> SlackMessage:
    """To Finance: somebody has left the workspace."""
    return sentence_message(
        bold(f"{person(who)} has left Slack, and can do nothing in Countersign any more."),
        " What waited for them is asked of others, or is held where nobody else may decide: then"
        " name somebody else for the customer, and release the bill. Of those you hear apart.",
    )


def back_in_slack(who: PersonRef) -> SlackMessage:
    """To Finance: the same person is there again."""
    return sentence_message(
        bold(f"{person(who)} is back in Slack, and switched off in Countersign still."),
        " Should they decide again, give them a role: type ",
        code(slash("bill people")),
        ".",
    )


def away_noted(delegate: PersonRef, until: date) -> SlackMessage:
    """To whoever goes away."""
    told = f"You are away up to and including {day(until)}. Meanwhile {person(delegate)} decides"
    return sentence_message(
        f"{told} in your place. Back earlier? Type ", code(slash("bill back")), "."
    )


def back_noted(was_away: bool) -> SlackMessage:
    """To whoever is back."""
    welcome = "Welcome back: what needs you comes to you again."
    return sentence_message(welcome if was_away else "You were not away, so nothing was changed.")


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
    return sentence_message(*told)
