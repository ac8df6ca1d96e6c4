"""What is refused, why, and what could be done instead: said for a medium."""

from collections.abc import Callable
from enum import Enum, auto

from handlers.wording.addresses import page_address
from handlers.wording.change_text import corrected
from handlers.wording.customer_text import changed_meanwhile
from handlers.wording.formatting import ago, clean, counted, name, role_short, slash
from handlers.wording.labels import CAUSE_WORDS
from handlers.wording.rich_text import Link, Mention, Part, Styled, code
from models.bills.states import Cause, Verb
from models.customers.edits import CustomerChanged
from models.errors import EarlierAction, FiguresChanged, NextStep, NotAllowed, Refusal, Step
from models.named_people import PersonRef, WhoCan

NOTHING_RECORDED = "Nothing was recorded."


class Medium(Enum):
    """Where a refusal is read, which decides what can be typed there."""

    SLACK = auto()
    COMMAND_LINE = auto()
    WEB = auto()


def refusal_parts(refused: Refusal, medium: Medium, ending: str = NOTHING_RECORDED) -> list[Part]:
    """What came before, what is refused, who can, and the next steps with the commands for them.

    `ending` closes the sentence on figures that changed.
    """
    who = refused.who_can if isinstance(refused, NotAllowed) else None
    told = refusal_reason(refused, ending)
    return [told, *ask_parts(who, medium), *step_parts(refused.next_steps, medium)]


def refusal_text(refused: Refusal, medium: Medium) -> str:
    """The same as plain text, with commands between backticks."""
    return "".join(map(_plain, refusal_parts(refused, medium)))


def why_refused(refused: Refusal) -> str:
    """Why, and who can, as plain text: for one of many that are told together."""
    who = refused.who_can if isinstance(refused, NotAllowed) else None
    told = [refusal_reason(refused, ending=""), *ask_parts(who, Medium.WEB)]
    return "".join(map(_plain, told)).strip()


def _plain(part: Part) -> str:
    if isinstance(part, Link):
        return part.text
    if isinstance(part, Mention):
        return clean(part.name)
    return f"`{part.text}`" if isinstance(part, Styled) else str(part)


def ask_parts(who: WhoCan | None, medium: Medium) -> list[Part]:
    """As in " Ask Ana, Kim, Lee or 4 others."; where nobody can, what helps then."""
    if who is None or not (who.people or who.roles):
        return []
    if who.people:
        return [" Ask ", *who_parts(who, medium), "."]
    lead = f" Nobody with the role {' or '.join(who.roles)} is here yet"
    gives = who.giving_roles
    if gives is not None and gives.people:
        return [f"{lead}: ask ", *who_parts(gives, medium), " to give somebody that role."]
    add = code(f"countersign people add NAME --role {gives.roles[0] if gives else who.roles[0]}")
    return [f"{lead}. Whoever runs Countersign gives somebody that role with ", add, "."]


def who_parts(who: WhoCan, medium: Medium, word: str = "or") -> list[Part]:
    """As in "Ana, Kim, Lee or 4 others"; in Slack by mention."""
    named: list[Part] = [_named(one, medium) for one in who.people]
    if who.others:
        named.append(counted(who.others, "other"))
    parts = [part for one in named for part in (", ", one)][1:]
    if len(named) > 1:
        parts[-2] = f" {word} "
    return parts


def _named(who: PersonRef, medium: Medium) -> Part:
    if medium is Medium.SLACK and who.slack_user_id:
        return Mention(who.slack_user_id, who.name)
    return name(who.name)


def refusal_reason(refused: Refusal, ending: str = NOTHING_RECORDED) -> str:
    """Why, without what could be done instead."""
    if isinstance(refused, FiguresChanged):
        changes = corrected(refused.changes, refused.currency)
        return f"This bill changed while you were looking: {changes}. {ending}"
    if isinstance(refused, CustomerChanged):
        return changed_meanwhile(refused)
    told = clean(refused.sentence)
    return told if refused.earlier is None else f"{_earlier(refused.earlier)} {told}"


_PAST = {
    Verb.GENERATE: "generated this bill",
    Verb.REISSUE: "billed the month again with this bill",
    Verb.HOLD: "held this bill",
    Verb.RELEASE: "released this bill",
    Verb.APPROVE: "approved this bill",
    Verb.AUTO_APPROVE: "approved this bill",
    Verb.REJECT: "rejected this bill",
    Verb.UNDO: "took back a decision on this bill",
    Verb.REVISE: "revised this bill",
    Verb.INVALIDATE: "worked this bill out anew",
    Verb.SEND: "began to send this bill",
    Verb.ISSUE: "issued this bill",
    Verb.DELIVER: "sent this bill",
    Verb.SEND_FAILED: "failed to send this bill",
    Verb.VOID: "voided this bill",
}


BY_RULE = ", by the customer’s own rule"


def _earlier(action: EarlierAction) -> str:
    """As in "Kim (CSM) approved this bill 7 minutes ago."."""
    who = action.by or "Countersign"
    role = role_short(action.role)
    who = f"{who} ({role})" if role else who
    when = ago(action.at, action.now)
    why = BY_RULE if action.verb == Verb.AUTO_APPROVE else ""
    if action.cause:
        why = CAUSE_WORDS[Cause(action.cause)]
    return f"{'You' if action.is_own else who} {_PAST[Verb(action.verb)]} {when}{why}."


_WITHOUT_COMMAND: dict[str, str] = {
    Verb.RELEASE: "release it",
    Verb.REVISE: "revise it",
    Verb.SEND: "send it",
    Verb.DELIVER: "say that it has arrived",
    Verb.UNDO: "undo that first",
    Verb.VOID: "make it void",
    Verb.REISSUE: "bill the month again",
    Verb.REASSIGN: "ask somebody else",
    Step.USAGE_THEN_REISSUE: "record the right usage, then bill the month again",
    Step.USAGE_THEN_REVISE: "record the right usage, then revise it",
    Step.SEE_BILLS: "see which there are in the list of bills",
    Step.SEE_CUSTOMERS: "see which there are in the list of customers",
    Step.ADD_CUSTOMER: "add it",
    Step.SEE_THROUGH: "see it through first",
    Step.RECORD_USAGE: "record the right usage, which settles the rest by itself",
    Step.IMPORT_BILLING_EMAIL: "give it one",
    Step.MEND_ADDRESSES: "write its addresses anew, with commas between them",
    Step.MEND_SIGNS: "write it in other letters",
    Step.IMPORT_PRICE: "give the customer one from that month on",
    Step.SET_MAIL_SERVER: "have SMTP_URL and MAIL_FROM set by whoever looks after Countersign",
    Step.MIGRATE: "migrate it",
    Step.EXPORT_ACTIONS: "export its actions to read what is left of it",
    Step.ADD_FINANCE: "give somebody else that role first",
    Step.REPLACE_ACCOUNT: "give that person the new account",
    Step.MERGE_CUSTOMERS: "make them one",
    Step.SIGN_IN_FROM_SLACK: "if that is you, ask for a link in Slack, and set a password on your "
    "account’s page",
    Step.ASK_FOR_LINK: "ask for another in Slack, or have Finance make one",
}

_WITH_COMMAND: dict[str, str] = {
    Step.IMPORT_BILLING_EMAIL: "give it one, in the column billing_email of {}",
    Step.MEND_ADDRESSES: "write its addresses anew, with commas between them, in the columns "
    "billing_email and cc_emails of {}",
    Step.IMPORT_PRICE: "give the customer one from that month on, in the columns overage_unit_cost "
    "and valid_from of {}",
    Step.MIGRATE: "run {}",
    Step.SIGN_IN_FROM_SLACK: "if that is you, type {} in Slack, and set a password on your "
    "account’s page",
    Step.ASK_FOR_LINK: "type {} in Slack for another, or have Finance make one",
    Step.EXPORT_ACTIONS: "read what is left of it with {}",
}

_SLASH_COMMANDS: dict[str, Verb] = {
    **{
        verb: verb
        for verb in (Verb.RELEASE, Verb.REVISE, Verb.SEND, Verb.UNDO, Verb.VOID, Verb.REISSUE)
    },
    Step.USAGE_THEN_REISSUE: Verb.REISSUE,
    Step.USAGE_THEN_REVISE: Verb.REVISE,
}

_SHELL_COMMANDS: dict[str, Callable[[NextStep], str]] = {
    Step.IMPORT_BILLING_EMAIL: lambda _: "countersign import customers FILE.csv",
    Step.MEND_ADDRESSES: lambda _: "countersign import customers FILE.csv",
    Step.IMPORT_PRICE: lambda _: "countersign import customers FILE.csv",
    Step.MIGRATE: lambda _: "countersign migrate",
    Step.ADD_FINANCE: lambda _: "countersign people add NAME --role Finance",
    Step.REPLACE_ACCOUNT: lambda _: (
        "countersign people add NAME --role ROLE --slack-id ID --replace"
    ),
    Step.MERGE_CUSTOMERS: lambda _: "countersign customers merge NAME INTO",
    Step.EXPORT_ACTIONS: lambda step: f"countersign export actions --bill {step.bill_id}",
}


_IN_SLACK: dict[str, tuple[str, str]] = {
    Step.SEE_BILLS: ("see which there are with {}", "bill list"),
    Step.SEE_CUSTOMERS: ("see which there are with {}", "customer list"),
    Step.ADD_CUSTOMER: ("add it with {}", "customer new"),
    Step.IMPORT_BILLING_EMAIL: ("give it one with {}", "customer edit"),
    Step.MEND_ADDRESSES: (
        "write its addresses anew, with commas between them, with {}",
        "customer edit",
    ),
    Step.MEND_SIGNS: ("write it in other letters with {}", "customer edit"),
    Step.IMPORT_PRICE: ("give the customer one from that month on, with {}", "customer edit"),
    Step.RECORD_USAGE: (
        "record the right usage with {}, which settles the rest by itself",
        "usage record",
    ),
    Step.ADD_FINANCE: ("give somebody else that role first, with {}", "bill people"),
}
"""What is done by a dialog or a list of Slack's."""

_ON_PAGE: dict[str, tuple[str, str, str]] = {
    Step.REPLACE_ACCOUNT: ("give that person the new account on {}", "/people", "the page People"),
}
"""What is done on a page, of which Slack tells, and by nothing in Slack."""


def _command(step: NextStep, medium: Medium) -> str | None:
    """What is typed for it; in Slack, too, where no page can do it. On the web nothing is typed,
    but where only Slack can do it.
    """
    if step.verb in _SHELL_COMMANDS and medium is not Medium.WEB:
        return _SHELL_COMMANDS[step.verb](step)
    if step.verb in (Step.SIGN_IN_FROM_SLACK, Step.ASK_FOR_LINK):
        return slash("bill web")
    if medium is Medium.SLACK and step.verb in _SLASH_COMMANDS:
        return slash(f"bill {_SLASH_COMMANDS[step.verb]} #{step.bill_id}")
    return None


def step_parts(steps: tuple[NextStep, ...], medium: Medium) -> list[Part]:
    """As in " Release it with `/bill release #12`, or revise it with `/bill revise #12`."."""
    parts: list[Part] = []
    for index, step in enumerate(steps):
        lead = _whose(step, medium) if step.role and index == 0 else []
        words, way = _way(step, medium)
        before, _, after = words.partition("{}")
        before = before if index or lead else before[:1].upper() + before[1:]
        parts += [", or " if index else " ", *lead, before]
        if way is not None:
            parts += [way, after]
    return [*parts, "."] if parts else []


def _whose(step: NextStep, medium: Medium) -> list[Part]:
    """As in "Finance (Ana or Zoe) can "."""
    if step.who is None or not step.who.people:
        return [f"{step.role} can "]
    return [f"{step.role} (", *who_parts(step.who, medium), ") can "]


def _way(step: NextStep, medium: Medium) -> tuple[str, Part | None]:
    """The words for a step, and what stands in the place of `{}`: a page, or a command."""
    if medium is Medium.SLACK and step.verb in _IN_SLACK:
        words, command_name = _IN_SLACK[step.verb]
        return words, code(slash(command_name))
    if medium is Medium.SLACK and step.verb in _ON_PAGE:
        words, path, page = _ON_PAGE[step.verb]
        if address := page_address(path):
            return words, Link(page, address)
    words, command = _WITHOUT_COMMAND[step.verb], _command(step, medium)
    if command is None:
        return words, None
    return _WITH_COMMAND.get(step.verb, f"{words} with {{}}"), code(clean(command))
