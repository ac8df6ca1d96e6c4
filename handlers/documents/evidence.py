"""The evidence of a bill or a month: a page of HTML that needs nothing else, drawn as it comes."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import jinja2
from babel.dates import format_date
from markupsafe import Markup, escape

from handlers.wording.bill_text import amount, multiplication, relatives, status_text
from handlers.wording.change_text import differences
from handlers.wording.formatting import (
    amount_or,
    clean,
    counted,
    listing,
    money,
    name,
    number,
    period_name,
    person,
    sentence,
    unit_price,
)
from handlers.wording.history_text import history_sentence
from handlers.wording.labels import STATE_WORDS
from handlers.wording.rich_text import Link, Mention, Part, Styled
from models.audit.evidence import BillEvidence, ChainedAction, StateTotal, VerifySummary
from models.bills.states import OPEN, BillKind, State, Verb
from models.people.permissions import Role
from models.queries.bill_details import BillDetails, MissingApproval
from models.queries.bill_list import BillLine
from models.queries.history import HistoryEntry
from models.queries.scope import Scope

KINDS = {
    BillKind.OVERAGE: "overage bill",
    BillKind.ADJUSTMENT: "adjustment",
    BillKind.CREDIT: "credit note",
}

TAGS = {"bold": "strong", "code": "code"}
FITS = "every action is as it was written, and every bill is what its actions say"


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        enable_async=True,
        undefined=jinja2.StrictUndefined,
    )


async def evidence_page(
    scope: Scope,
    verdict: VerifySummary,
    states: Sequence[StateTotal] | None,
    lines: AsyncIterator[BillLine],
    bills: AsyncIterator[BillEvidence],
    now: datetime,
) -> AsyncIterator[str]:
    """The page in pieces. `states` and `lines` are drawn of a month, before its bills.

    `now` is in the company's time zone, in which all times are told. Everything that people have
    typed is escaped, and nothing is fetched from anywhere.
    """
    clock = Clock(now.tzinfo or UTC)
    template = _environment().get_template("evidence.html.jinja")
    pieces = template.generate_async(
        title=_title(scope),
        verdict=verdict,
        whole=_verdict(verdict),
        general=[str(discrepancy) for discrepancy in verdict.first.get(None, ())],
        states=states,
        lines=lines,
        bills=(_drawn(bill, clock) async for bill in bills),
        now=now,
        zone=clock.zone,
        in_utc=clock.in_utc,
        moment=clock.moment,
        stacked=clock.stacked,
        state=lambda status: STATE_WORDS[status],
        kind=lambda kind: KINDS[kind],
        number=number,
        amount_or=amount_or,
        name=name,
        amount=amount,
    )
    async for piece in pieces:
        yield str(piece)


@dataclass(frozen=True)
class Clock:
    """Moments as the company reads them, and as everybody does."""

    zone: tzinfo

    @property
    def in_utc(self) -> bool:
        return str(self.zone) == "UTC"

    def moment(self, at: datetime) -> Markup:
        """As in "3 Nov 2026 10:12:03 CET (09:12:03 UTC)"."""
        other = self._other(at)
        return Markup(f"{_day(self._local(at))} {self._time(at)}{f' ({other})' if other else ''}")

    def stacked(self, at: datetime) -> Markup:
        """The same line by line."""
        return Markup(
            f"{_day(self._local(at))}<br>{self._time(at)}<br><small>{self._other(at)}</small>"
        )

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    def _time(self, at: datetime) -> str:
        return f"{self._local(at):%H:%M:%S %Z}"

    def _other(self, at: datetime) -> str:
        """The time in UTC, with its day where that is another one."""
        if self.in_utc:
            return ""
        utc = at.astimezone(UTC)
        day = "" if utc.date() == self._local(at).date() else f"{_day(utc)} "
        return f"{day}{utc:%H:%M:%S} UTC"

    def text(self, parts: Iterable[Part]) -> Markup:
        """A sentence, everything in it escaped."""
        return Markup("").join(self._part(part) for part in parts)

    def _part(self, part: Part) -> Markup:
        if isinstance(part, datetime):
            return self.moment(part)
        if isinstance(part, Styled):
            return Markup("<{0}>{1}</{0}>").format(Markup(TAGS[part.style]), clean(part.text))
        if isinstance(part, Mention):
            return escape(clean(part.slack_user_id))
        return escape(clean(part.text if isinstance(part, Link) else part))


def _title(scope: Scope) -> str:
    return f"Bills of {period_name(scope.period)}" if scope.period else f"Bill #{scope.bill_id}"


def _day(moment: datetime) -> str:
    return format_date(moment.date(), "d MMM yyyy", locale="en")


def _verdict(verdict: VerifySummary) -> str:
    bills, actions = counted(verdict.bills, "bill"), counted(verdict.actions, "action")
    if verdict.discrepancies:
        discrepancies = counted(verdict.discrepancies, "thing does", "things do")
        return f"Verified {bills} with {actions}: {discrepancies} not fit."
    return f"Verified {bills} with {actions}: {FITS}."


def _drawn(bill: BillEvidence, clock: Clock) -> dict[str, Any]:
    line, facts = bill.line, bill.facts
    kind = KINDS[line.kind]
    numbered = (
        f"{kind.capitalize()} {line.number}"
        if line.number
        else f"{kind.capitalize()}, no number yet"
    )
    return {
        "id": line.id,
        "eyebrow": f"{numbered} · #{line.id} · version {line.version}",
        "customer": name(line.customer),
        "period": period_name(line.period),
        "state": STATE_WORDS[line.status],
        "standing": sentence(status_text(facts)) if facts else "",
        "verdict": _bill_verdict(bill),
        "misfits": [str(discrepancy) for discrepancy in bill.discrepancies],
        "figures": _figures(facts) if facts else [],
        "sum": clock.text(multiplication(facts)) if facts else "",
        "approvals": _approvals(bill),
        "paper": bill.paper,
        "related": _related(facts) if facts else [],
        "record": [_entry(sealed, line.currency, clock) for sealed in bill.record],
    }


def _bill_verdict(bill: BillEvidence) -> str:
    if bill.discrepancies:
        return "This bill does not fit its record:"
    count = len(bill.record)
    actions = (
        "its only action is as it was"
        if count == 1
        else f"its {number(count)} actions are as they were"
    )
    return f"Verified: {actions} written, and the bill is what its record says."


def _figures(facts: BillDetails) -> list[tuple[str, str]]:
    price = "none yet" if facts.unit_cost is None else unit_price(facts.unit_cost, facts.currency)
    return [
        ("Calls used", number(facts.api_usage)),
        ("Calls included", number(facts.limit_calls)),
        ("Calls billed", number(facts.overage_units)),
        ("Price a call", price),
        ("Amount, net", amount(facts)),
    ]


def _approvals(bill: BillEvidence) -> list[dict[str, Any]]:
    """Each approval that is needed, and who gave it; or the rule that approved instead."""
    rule = _ruling(bill)
    if rule:
        return [
            {"needed": "nobody, by rule", "given": _rule(rule, bill.line.currency), "at": rule.at}
        ]
    nobody = "nobody yet" if bill.line.status in OPEN else "nobody"
    return [
        {
            "needed": _needed(needed),
            "given": _given(entry) if entry else nobody,
            "at": entry.at if entry else None,
        }
        for needed, entry in bill.required
    ]


def _ruling(bill: BillEvidence) -> HistoryEntry | None:
    """The approval by rule that a bill rests on, where it does on nobody's."""
    if bill.facts is None or bill.facts.approvals or bill.facts.status not in _PAST_APPROVAL:
        return None
    entries = (sealed.entry for sealed in reversed(bill.record))
    return next((entry for entry in entries if entry and entry.verb is Verb.AUTO_APPROVE), None)


_PAST_APPROVAL = frozenset({State.APPROVED, State.SENDING, State.SENT})


def _rule(entry: HistoryEntry, currency: str) -> str:
    if entry.rule_below is None:
        return "the voiding of the bill that it credits"
    below = money(entry.rule_below, entry.currency or currency)
    return f"the customer’s own rule for amounts below {below}"


def _needed(needed: MissingApproval) -> str:
    roles = [needed.role] if needed.role else [Role.CSM, Role.SALES]
    return person(needed.people[0]) if needed.people else f"anybody in {listing(roles, 'or')}"


def _given(entry: HistoryEntry) -> str:
    stead = f", for {person(entry.acted_for)} who was away" if entry.acted_for else ""
    return f"{person(entry.by)}{stead}"


def _related(facts: BillDetails) -> list[dict[str, Any]]:
    return [
        {
            "how": how,
            "id": one.id,
            "number": one.number,
            "state": STATE_WORDS[one.status],
            "amount": amount_or(one.amount, one.currency),
        }
        for how, one in relatives(facts)
    ]


def _entry(sealed: ChainedAction, currency: str, clock: Clock) -> dict[str, Any]:
    entry = sealed.entry
    return {
        "id": sealed.id,
        "version": sealed.version,
        "at": sealed.at,
        "hash": sealed.hash,
        "prev_hash": sealed.prev_hash,
        "sentence": clock.text(history_sentence(entry, currency))
        if entry
        else "What happened here cannot be told.",
        "details": list(_details(entry, currency)) if entry else [],
        "comment": clean(entry.comment) if entry and entry.comment else None,
    }


def _details(entry: HistoryEntry, currency: str) -> Iterator[str]:
    """What a sentence has no room for: figures that moved, and what it is about."""
    yield from map(sentence, differences(entry, currency))
    if entry.edits:
        yield f"The comment of action {entry.edits}."
    if entry.reverses:
        yield f"Takes back action {entry.reverses.id}."
