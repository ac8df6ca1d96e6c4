"""What is said of the program's health wherever it is said, and what to do where it is bad."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handlers.wording.bill_text import SAID_BY_A_SERVER
from handlers.wording.formatting import ago, as_said, bill_count, counted, listing
from models.db.revision import Schema
from models.people.permissions import Role
from models.queries.database_health import DatabaseHealth
from models.queries.health import MOST_COUNTED, Health, MailHealth, Server
from models.queries.role_map import RoleMap


class Standing(StrEnum):
    """`WAIT`: nothing is lost, and somebody may want to know."""

    GOOD = "good"
    WAIT = "wait"
    BAD = "bad"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: how it stands, and what to do where it is not good."""

    name: str
    standing: Standing
    told: str
    to_do: str = ""


STANDING_WORDS = {Standing.GOOD: "in order", Standing.WAIT: "look", Standing.BAD: "not working"}


def good(name: str, told: str) -> Check:
    return Check(name, Standing.GOOD, told)


OLDEST_SERVER = 170000
MIGRATE = "Run countersign migrate, then start again."
SCHEMAS = {
    Schema.SERVED: (
        "A newer version has brought it up to date; this one may go on until it is replaced.",
        "Replace this process by one of the newer version.",
    ),
    Schema.ABSENT: ("It has none of our tables yet.", MIGRATE),
    Schema.OLDER: ("Its tables are of an earlier version.", MIGRATE),
    Schema.OTHER: ("Its functions are not those of this version.", MIGRATE),
    Schema.NEWER: (
        "Its tables are of a later version than this program.",
        "Start the version that it was migrated by.",
    ),
}


def database_checks(
    found: DatabaseHealth, now: datetime, *, started: bool = True
) -> Iterator[Check]:
    """What the database tells of. Not `started`: it may well be that nobody has started the program
    yet.
    """
    yield from _server(found.server)
    if found.health is not None:
        yield from work_checks(found.health, now, started=started)
    if found.roles is not None:
        yield _finance(found.roles)
        yield _approvers(found.roles)


def _server(server: Server) -> list[Check]:
    answers = f"PostgreSQL {server.version} answers."
    database = good("Database", answers)
    if server.number < OLDEST_SERVER:
        told = f"{answers} It is too old."
        database = Check("Database", Standing.BAD, told, "Move to PostgreSQL 17 or later.")
    if server.schema is Schema.CURRENT:
        told = "Its tables and functions are those of this version."
        return [database, good("Schema", told)]
    standing = Standing.WAIT if server.schema is Schema.SERVED else Standing.BAD
    return [database, Check("Schema", standing, *SCHEMAS[server.schema])]


def work_checks(health: Health, now: datetime, *, started: bool = True) -> list[Check]:
    """How the work stands that was promised."""
    return [
        _worker(health, started=started),
        _messages(health, now),
        _given_up(health),
        _deliveries(health),
        _letters(health.mail, now),
        _replies(health.mail, now),
        *_pdf_alone(health),
    ]


def _finance(roles: RoleMap) -> Check:
    people = roles.people[Role.FINANCE]
    unmet = listing(roles.unmet)
    if not people and not unmet:
        return Check("Finance", Standing.BAD, "Nobody has the role Finance.", FIRST_OF_FINANCE)
    if unmet:
        told = f"{unmet} of FINANCE_SLACK_IDS: nobody with the role Finance here."
        return Check("Finance", Standing.WAIT, told, UNMET)
    return good("Finance", f"{counted(people, 'person', 'people')} of Finance.")


FIRST_OF_FINANCE = (
    "Set FINANCE_SLACK_IDS and start, or run countersign people add NAME --role Finance."
)
UNMET = (
    "Who has no role gets it when the program starts; who has another keeps that, until Finance "
    "changes it on the page People."
)


def _approvers(roles: RoleMap) -> Check:
    none = [role for role in APPROVERS if not roles.people[role]]
    asked = [f"{counted(roles.asked_for[role], 'customer')} of {role}" for role in none
             if roles.asked_for[role]]  # fmt: skip
    if asked:
        told = f"Nobody has the role whose approval is asked for: by {listing(asked)}."
        return Check("Approvers", Standing.BAD, told, f"{GIVE_ROLES} Until then bills are held.")
    if len(none) == len(APPROVERS):
        told = f"Nobody has the role {listing(none, 'or')}, so nobody can approve."
        return Check("Approvers", Standing.BAD, told, GIVE_ROLES)
    if roles.count_without_slack:
        more = roles.count_without_slack - len(roles.without_slack)
        names = [*roles.without_slack, *([f"{more:,} more"] if more else [])]
        told = f"No card reaches {listing(names)} in Slack: no account there is known."
        return Check("Approvers", Standing.WAIT, told, NO_ACCOUNT)
    able = [counted(roles.people[role], f"person of {role}", f"people of {role}")
            for role in APPROVERS]  # fmt: skip
    return good("Approvers", f"{listing(able)}.")


APPROVERS = (Role.CSM, Role.SALES)
GIVE_ROLES = "Give roles by /bill people, the page People, or countersign people add."
NO_ACCOUNT = (
    "Give their Slack ids: countersign people add NAME --role ROLE --slack-id U012AB3CD, or a file."
)


def _worker(health: Health, *, started: bool) -> Check:
    if health.workers:
        return good("Worker", "At work.")
    told = "Nobody works off what was promised: nothing is posted, generated or sent."
    idle = not started and not health.waiting and not health.sending
    standing = Standing.WAIT if idle else Standing.BAD
    return Check("Worker", standing, told, "Start countersign serve, or serve --role worker.")


def _messages(health: Health, now: datetime) -> Check:
    if not health.waiting or health.since is None:
        return good("Messages to Slack", "None waits.")
    told = f"{_many(health.waiting, 'message')} to be posted, the oldest from"
    told = f"{told} {ago(health.since, now)}."
    if (now - health.since).total_seconds() < SLOW_S:
        return good("Messages to Slack", told)
    to_do = "If it does not shrink by itself, look at the worker and at Slack above."
    return Check("Messages to Slack", Standing.WAIT, told, to_do)


SLOW_S = 300


def _given_up(health: Health) -> Check:
    if not health.failed:
        return good("Given up", "No message was given up.")
    causes = listing([f"{cause} ({count})" for cause, count in health.causes])
    told = f"{_many(health.failed, 'message')} Slack did not take: {causes}."
    to_do = "Mend the cause; what they told is on the pages here all the same."
    return Check("Given up", Standing.WAIT, told, to_do)


def _deliveries(health: Health) -> Check:
    if health.undelivered:
        told = f"{bill_count(health.undelivered)} could not be delivered by mail."
        return Check("Bills on their way", Standing.BAD, told, UNDELIVERED)
    if health.late:
        told = f"{bill_count(health.late)} should have gone out and did not."
        return Check("Bills on their way", Standing.WAIT, told, "Look at worker and mail above.")
    whose = "its" if health.sending == 1 else "their"
    told = f"{bill_count(health.sending)} on {whose} way." if health.sending else "None waits."
    return good("Bills on their way", told)


UNDELIVERED = "Each says why on its own page; mend the address or the mail server, then send it."


def _letters(mail: MailHealth, now: datetime) -> Check:
    if mail.stopped is None or mail.since is None:
        return good("Letters", "Nothing keeps letters from going out.")
    told = f"None goes out, which began {ago(mail.since, now)}: {_cause(mail.stopped)}"
    standing, to_do = _ends(needs_somebody=mail.needs_somebody)
    return Check("Letters", standing, told, to_do)


def _replies(mail: MailHealth, now: datetime) -> Check:
    """Of the mailbox that replies and reports come to."""
    if not mail.has_mailbox:
        told = "No mailbox is read, so nobody hears of bills that do not arrive, nor of replies."
        return Check("Replies", Standing.WAIT, told, "Set BOUNCES_URL to the mailbox of MAIL_FROM.")
    read = f"The mailbox was last read {ago(mail.read_at, now)}." if mail.read_at else ""
    if mail.unread is not None and mail.unread_since is not None:
        since = ago(mail.unread_since, now)
        told = f"The mailbox cannot be read, which began {since}: {_cause(mail.unread)} {read}"
        standing, to_do = _ends(needs_somebody=mail.unread_needs_somebody)
        return Check("Replies", standing, told.strip(), to_do)
    if mail.read_at is None or (now - mail.read_at).total_seconds() >= UNREAD_S:
        told = read or "The mailbox was not read yet."
        return Check("Replies", Standing.WAIT, told, "Look at the worker above, which reads it.")
    return good("Replies", read)


UNREAD_S = 900


def _cause(words: str) -> str:
    return as_said(words, SAID_BY_A_SERVER)


def _ends(*, needs_somebody: bool) -> tuple[Standing, str]:
    if needs_somebody:
        return Standing.BAD, "Mend what it says; it is tried again by itself, and at a new start."
    return Standing.WAIT, "It is tried again and again; nothing is lost."


def _pdf_alone(health: Health) -> list[Check]:
    if not health.pdf_alone:
        return []
    causes = " ".join(f"{cause} ({count})" for cause, count in health.pdf_causes)
    told = f"{_many(health.pdf_alone, 'document')} of the last month went out as a PDF alone."
    return [Check("Without an e-invoice", Standing.WAIT, f"{told} {causes}", PDF_ALONE)]


PDF_ALONE = "What is mended counts for documents to come; one that is out stays as it is."


def _many(count: int, noun: str) -> str:
    more = "more than " if count >= MOST_COUNTED else ""
    return f"{more}{counted(count, noun)}"
