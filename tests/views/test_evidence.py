"""The evidence is one page that needs nothing else, holds everything, and takes text for text."""

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest

from handlers.documents.evidence import evidence_page
from models.audit.bill_check import Discrepancy
from models.audit.evidence import (
    BillEvidence,
    ChainedAction,
    StateTotal,
    StoredDocument,
    VerifySummary,
)
from models.bills.states import BillKind, State, Verb
from models.period import Period
from models.queries.bill_details import BillDetails, MissingApproval, RelatedBill
from models.queries.bill_list import BillLine
from models.queries.history import HistoryEntry
from models.queries.scope import Scope
from tests.views.samples import ANA, KIM, NAMES, NOON, SAM, entry

ZURICH = ZoneInfo("Europe/Zurich")
NOW = NOON.astimezone(ZURICH)
ONE, MONTH = Scope(bill_id=42), Scope(Period(2026, 10))
VOID_TAGS = {"meta", "br"}
T = TypeVar("T")


def facts(**more: object) -> BillDetails:
    known: dict[str, object] = {
        "id": 42,
        "version": 3,
        "actions": 2,
        "customer_id": 1,
        "customer": "Acme Corp",
        "period": Period(2026, 10),
        "kind": BillKind.OVERAGE,
        "status": State.SENT,
        "hold_reason": None,
        "api_usage": 1_250_000,
        "limit_calls": 1_000_000,
        "overage_units": 250_000,
        "unit_cost": Decimal("0.004"),
        "amount": Decimal("1000.00"),
        "currency": "USD",
        "created_at": NOON,
        "generated_by": ANA,
    }
    return BillDetails(**{**known, **more})  # type: ignore[arg-type]


def sealed(one: HistoryEntry) -> ChainedAction:
    return ChainedAction(one.id, one.version, one.at, "aa" * 32, "bb" * 32, one)


def bill(
    told: BillDetails | None, entries: Iterable[HistoryEntry] = (), **more: object
) -> BillEvidence:
    shown = told or facts()
    line = BillLine(
        id=shown.id,
        version=shown.version,
        customer=shown.customer,
        period=shown.period,
        status=shown.status,
        hold_reason=None,
        amount=shown.amount,
        currency=shown.currency,
        created_at=NOON,
        number="2026-000123",
    )
    known: dict[str, object] = {
        "line": line,
        "facts": told,
        "required": (),
        "record": tuple(map(sealed, entries)),
        "paper": None,
        "discrepancies": (),
    }
    return BillEvidence(**{**known, **more})  # type: ignore[arg-type]


async def coming(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item


async def page(
    *bills: BillEvidence,
    scope: Scope = ONE,
    verdict: VerifySummary | None = None,
    states: list[StateTotal] | None = None,
    now: datetime = NOW,
) -> str:
    lines = coming([one.line for one in bills])
    found = verdict or VerifySummary(bills=len(bills), actions=2)
    pieces = evidence_page(scope, found, states, lines, coming(bills), now)
    return "".join([piece async for piece in pieces])


class Reader(HTMLParser):
    """What a browser would see: the text, the tags, and whether each is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.open = "", list[str](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.text += " "
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += " "

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def text(html: str) -> str:
    return re.sub(r"\s+", " ", Reader(html).text)


async def test_all_figures_stand_with_the_multiplication() -> None:
    told = text(await page(bill(facts())))
    assert "Calls used 1,250,000 Calls included 1,000,000 Calls billed 250,000" in told
    assert "Price a call $0.004 Amount, net $1,000.00" in told
    assert "250,000 over × $0.004 = $1,000.00" in told


async def test_every_action_stands_with_who_when_why_and_its_hashes() -> None:
    rejected = entry(Verb.REJECT, KIM, comment="I count\n1,200.", id=9, version=5)
    told = text(await page(bill(facts(), [rejected])))
    assert "3 Nov 2026 13:00:00 CET 12:00:00 UTC" in told
    assert "Kim Lee (CSM) rejected" in told
    assert "in Slack" in told
    assert "I count 1,200." in told
    assert f"action 9, version 5 hash {'bb' * 32} previous {'aa' * 32}" in told


async def test_a_time_on_another_day_in_utc_is_told_with_that_day() -> None:
    midnight = datetime(2026, 11, 3, 23, 30, 5, tzinfo=ZoneInfo("UTC"))
    told = text(await page(bill(facts()), now=midnight.astimezone(ZURICH)))
    assert "As of 4 Nov 2026 00:30:05 CET (3 Nov 2026 23:30:05 UTC)." in told


async def test_in_utc_no_time_is_told_twice() -> None:
    told = text(await page(bill(facts()), now=NOON.astimezone(ZoneInfo("UTC"))))
    assert "As of 3 Nov 2026 12:00:00 UTC. Times are those of UTC; amounts are net." in told


async def test_approvals_stand_with_whose_was_needed_and_who_gave_it() -> None:
    approved = entry(Verb.APPROVE, SAM, slot="csm", acted_for=KIM)
    required = (
        (MissingApproval("csm", KIM.role, (KIM,)), approved),
        (MissingApproval("sales", SAM.role), None),
    )
    told = text(await page(bill(facts(), [approved], required=required)))
    assert "Kim Lee (CSM) Sam Ray (Sales), for Kim Lee (CSM) who was away 3 Nov 2026" in told
    assert "anybody in Sales nobody" in told


async def test_an_approval_by_rule_names_the_rule() -> None:
    by_rule = entry(Verb.AUTO_APPROVE, rule="auto_approve_below", rule_below=Decimal("5000"))
    told = text(
        await page(bill(facts(), [by_rule], required=((MissingApproval("any", None), None),)))
    )
    assert "the customer’s own rule for amounts below $5,000.00" in told
    assert "nobody yet" not in told


async def test_document_and_related_bills_are_told() -> None:
    paper = StoredDocument("2026-000123", "application/pdf", 12_345, "cd" * 32, NOON)
    credit = RelatedBill(43, BillKind.CREDIT, State.SENT, "CN-2026-000007", Decimal("-1000"), "USD")
    first = RelatedBill(41, BillKind.OVERAGE, State.VOID, None, Decimal("900"), "USD")
    told = text(await page(bill(facts(corrections=(credit,), replaces=first), paper=paper)))
    of_credit = text(await page(bill(facts(kind=BillKind.CREDIT, adjusts=first))))
    assert "credits #41" in of_credit
    assert f"application/pdf, 12,345 bytes SHA-256 {'cd' * 32}" in told
    assert "replaces #41 none yet void $900.00" in told
    assert "is credited by #43 CN-2026-000007 sent −$1,000.00" in told


async def test_a_month_begins_with_its_states_and_never_adds_currencies() -> None:
    states = [
        StateTotal(
            State.SENT, BillKind.OVERAGE, 3, (("EUR", Decimal("7.50")), ("JPY", Decimal(12)))
        ),
        StateTotal(State.HELD, BillKind.OVERAGE, 1, (("USD", None),)),
    ]
    html = await page(bill(facts()), scope=MONTH, states=states)
    told = text(html)
    assert "Bills of October 2026" in told
    assert "sent overage bill 3 €7.50 ¥12" in told
    assert "held overage bill 1 no amount yet" in told
    assert "#42 Acme Corp overage bill 2026-000123 sent $1,000.00" in told
    assert html.index("The month by state") < html.index('href="#bill-42"')
    assert html.index('href="#bill-42"') < html.index('id="bill-42"')


async def test_what_does_not_fit_stands_on_top_and_at_its_bill() -> None:
    discrepancy = Discrepancy(42, 9, "it is not as it was written")
    verdict = VerifySummary(1, 2, 1)
    verdict.first[42].append(discrepancy)
    told = text(
        await page(
            bill(facts(), discrepancies=(discrepancy,)),
            scope=MONTH,
            states=[],
            verdict=verdict,
        )
    )
    assert "Verified 1 bill with 2 actions: 1 thing does not fit." in told
    assert "sent, does not fit" in told
    assert "This bill does not fit its record: action 9 of bill 42: it is not" in told


async def test_a_record_that_tells_no_story_is_shown_all_the_same() -> None:
    broken = ChainedAction(9, 2, NOON, None, "bb" * 32, None)
    told = text(await page(bill(None, record=(broken,))))
    assert "The record of this bill tells no possible story" in told
    assert f"action 9, version 2 hash {'bb' * 32} previous none: the record begins here" in told


TRAPS = [
    *NAMES.values(),
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "</style><b>",
    "\x00\u202e'\"",
]


@pytest.mark.parametrize("typed", TRAPS)
async def test_what_people_type_is_text_and_nothing_else(typed: str) -> None:
    who = replace(KIM, name=typed)
    entries = [entry(Verb.COMMENT, who, comment=typed), entry(Verb.DELIVER, answer=typed)]
    plain = await page(bill(facts(), [entry(Verb.COMMENT, comment="x"), entry(Verb.DELIVER)]))
    html = await page(bill(facts(customer=typed), entries), scope=MONTH, states=[])
    month = await page(bill(facts()), scope=MONTH, states=[])
    read = Reader(html)
    assert read.open == []
    assert set(read.tags) == {*Reader(plain).tags, *Reader(month).tags}
    assert "49" not in re.findall(r"\b49\b", typed) + re.findall(r"<h2>49", html)


async def test_nothing_is_fetched_from_anywhere() -> None:
    html = await page(bill(facts()))
    assert not re.search(r"""(\bsrc=|@import|url\(|https?:|<link|<script)""", html)
    assert "default-src 'none'" in html


async def test_a_bill_is_drawn_before_the_next_is_asked_for() -> None:
    asked: list[int] = []

    async def bills() -> AsyncIterator[BillEvidence]:
        for number in range(1, 4):
            asked.append(number)
            yield bill(facts(id=number))

    drawn = ""
    async for piece in evidence_page(ONE, VerifySummary(3, 3), None, coming([]), bills(), NOON):
        drawn += piece
        assert len(asked) <= drawn.count("</section>") + 1
    assert asked == [1, 2, 3]
