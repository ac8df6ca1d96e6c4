"""Every form that does something, sent twice as by a double click: one act, told as done."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.web.app import ROUTERS
from models.actions.approve import approve_bill
from models.actions.mail_trouble import note_trouble
from models.actions.send import send_bill
from models.actions.uploaded_files import look_at_file
from models.bills.bill import Bill
from models.db.database import Database
from models.imports.books import Book
from models.people.passwords import Passwords
from models.people.users import User
from tests.harness.billing import drawn
from tests.harness.browser_side import Answer, BrowserSide, Visitor, browser_side
from tests.harness.cast import People
from tests.harness.issuing import issue_bill
from tests.harness.scene import NOW, act, add_customer, bill_for
from tests.harness.sources import QUERY
from tests.web.form_fields import fields_of, form_to

PASSWORD = "correct horse 12"
NOVEMBER = date(2026, 11, 1)
USAGE = b"customer,year,month,api_usage\nAcme Corp,2026,8,5\n"

APART = {
    "/sign-out": "whoever is signed out stays so",
    "/welcome/sign-in": "nobody is signed in yet whose key it could be",
    "/welcome/sign-up": "the same",
    "/sign-in/{token}": "the same",
    "/import": "a file that is looked at twice is kept twice, for an hour",
    "/month/{month}/send/{list_id}": "a list is sent once; told in tests/web/test_month.py",
    "/dashboard/send/{list_id}": "the same; told in tests/web/test_bulk_send.py",
    "/month/{month}/send/{list_id}/retry": "once; told in tests/web/test_bulk_send.py",
    "/dashboard/send/{list_id}/retry": "the same",
    "/bills/{bill_id}/link": "of a bill that has gone out; told in tests/web/test_customer_page.py",
    "/bills/{bill_id}/link/revoke": "the same",
    "/u/{token}": "the same words are one question; told in tests/web/test_customer_page.py",
}
"""Forms without a key, and why they need none or can have none."""

UNMOVED = ("kept_answers", "sessions", "access_attempts")
"""Tables that may tell of a request that came again."""


@dataclass(frozen=True)
class Form:
    """`who` opens `page`, types into the form to `action`, and sends it; `tells`: its answer is a
    page of its own, or shows a secret, and not what the next page says.
    """

    who: str
    page: str
    action: str
    typed: Mapping[str, str] = field(default_factory=dict)
    tells: str = ""


WHY = {"reason": "So it is"}
WRONG = WHY | {"reason_code": "other"}
HOOK = {"address": "https://8.8.8.8/hook", "bill.sent": "yes"}
BILL, SECOND, COMMENT = "/bills/{bill}", "/bills/{second}", "/bills/{bill}/comments/{comment}"
MONTH, ACME, NEW = "/month/2026-10", "/customers/{acme}", "/people/{newcomer}/role"
HOOKED = "/webhooks/{webhook}"
SOURCE = {"name": "Events", "url": "duckdb://", "query": QUERY, "connect_args": ""}
ASKED = "/sources/{source}"

FORMS = (
    Form("kim", BILL, f"{BILL}/comments", {"comment": "Hm"}),
    Form("kim", COMMENT, COMMENT, {"comment": "Hm, yes"}),
    Form("kim", COMMENT, f"{COMMENT}/delete"),
    Form("kim", f"{BILL}/reject", f"{BILL}/reject", WRONG),
    Form("kim", f"{BILL}/undo", f"{BILL}/undo", WHY),
    Form("ana", "/bills/{held}/reassign", "/bills/{held}/reassign", {"user_id": "{lee}"}),
    Form("ana", f"{BILL}/revise", f"{BILL}/revise", WHY | {"units": "30000"}),
    Form("kim", f"{BILL}/approve", f"{BILL}/approve"),
    Form("ana", f"{BILL}/send", f"{BILL}/send"),
    Form("ana", f"{BILL}/void", f"{BILL}/void", WHY),
    Form("ana", f"{BILL}/reissue", f"{BILL}/reissue", WHY),
    Form("ana", "/bills/{mailed}/deliver", "/bills/{mailed}/deliver", WHY),
    Form("ana", "/bills/{held}/release", "/bills/{held}/release", WHY),
    Form("kim", "/dashboard/approve?bill={second}-1", "/dashboard/approve", tells="page"),
    Form("ana", "/dashboard?view=approved", "/dashboard/send",
         {"all": "yes"}, tells="page"),
    Form("ana", MONTH, f"{MONTH}/send", tells="page"),
    Form("ana", f"{MONTH}/generate", f"{MONTH}/generate"),
    Form("ana", "/import/{file}", "/import/{file}"),
    Form("ana", ACME + "/edit", ACME + "/edit", {"billing_email": "b@acme.example"}),
    Form("ana", ACME + "/usage/2026-09", ACME + "/usage/2026-09", {"api_usage": "7"}),
    Form("ana", "/customers/new", "/customers/new",
         {"name": "Dune", "monthly_api_limit": "100"}),
    Form("new", "/access", "/access"),
    Form("ana", NEW, NEW, {"role": "Sales"}),
    Form("ana", "/people/{other}/role", "/people/{other}/decline"),
    Form("ana", "/people/{vera}", "/people/{vera}", {"role": "Manager"}),
    Form("ana", "/people/{vera}", "/people/{vera}/link", tells="secret"),
    Form("kim", "/account", "/account/away", {"until": "2026-11-20", "delegate_id": "{lee}"}),
    Form("kim", "/account", "/account/back"),
    Form("kim", "/account", "/account/tokens", {"name": "report"}, tells="secret"),
    Form("kim", "/account", "/account/tokens/{token}/revoke"),
    Form("kim", "/account", "/account/devices/{device}/sign-out"),
    Form("kim", "/account", "/account/devices/sign-out"),
    Form("vera", "/account", "/account/password",
         {"old_password": PASSWORD, "new_password": "another horse 12"}),
    Form("ana", "/sources/new", "/sources/new", SOURCE),
    Form("ana", ASKED + "/edit", ASKED + "/edit", SOURCE),
    Form("ana", ASKED, ASKED + "/months/2026-09/check"),
    Form("ana", ASKED, ASKED + "/months/2026-10/pull"),
    Form("ana", ASKED + "/off", ASKED + "/off"),
    Form("ana", ASKED, ASKED + "/on"),
    Form("ana", "/webhooks/new", "/webhooks/new", HOOK, tells="secret"),
    Form("ana", HOOKED + "/edit", HOOKED + "/edit", HOOK | {"bill.voided": "yes"}),
    Form("ana", HOOKED, HOOKED + "/test"),
    Form("ana", HOOKED, HOOKED + "/secret", tells="secret"),
    Form("ana", HOOKED, HOOKED + "/send-again", {"since": "2026-11-01"}),
    Form("ana", HOOKED + "/deliveries/{delivery}",
         HOOKED + "/deliveries/{delivery}/send-again"),
    Form("ana", HOOKED, HOOKED + "/pause"),
    Form("ana", HOOKED, HOOKED + "/resume"),
    Form("ana", HOOKED + "/delete", HOOKED + "/delete"),
)  # fmt: skip
"""Each where its page stands as those before have left it."""


@pytest.fixture
async def served(db: Database) -> AsyncIterator[BrowserSide]:
    async with browser_side(db, passwords=Passwords(rounds=4)) as side:
        yield side


@pytest.fixture
async def ids(db: Database, people: People) -> dict[str, int]:
    """Bills to decide on, and people who wait for a role; by the names that the table has."""
    kims = {"csm_id": people.kim.id, "require_csm_approval": True, "billing_email": "b@c.example"}
    digest = await Passwords(rounds=4).digest(PASSWORD)
    async with db.transaction() as session:
        ana = act(people.ana)
        bill = await bill_for(session, ana, "Acme Corp", **kims)
        second = await bill_for(session, ana, "Bolt Ltd", **kims)
        held = await bill_for(session, ana, "Late Ltd", start_date=NOVEMBER, **kims)
        await add_customer(session, "Ebb")
        mailed = await bill_for(session, ana, "Fern", **kims)
        await _heard_by_nobody(session, mailed, people)
        file = await look_at_file(session, Book.USAGE, "usage.csv", USAGE, ana)
        newcomers = [User(name=name, password_digest=digest) for name in ("New", "Other")]
        vera = User(name="Vera", role="Sales", password_digest=digest)
        session.add_all((*newcomers, vera))
        await session.flush()
        new, other = newcomers
        return {
            "bill": bill.id, "second": second.id, "held": held.id,
            "mailed": mailed.id,
            "acme": bill.customer_id, "new": new.id, "newcomer": new.id, "other": other.id,
            "file": file.id, "vera": vera.id, "ana": people.ana.id, "kim": people.kim.id,
            "lee": people.lee.id,
        }  # fmt: skip


async def _heard_by_nobody(session: AsyncSession, bill: Bill, people: People) -> None:
    """It was mailed, and no answer came."""
    later = NOW + timedelta(hours=1)
    await approve_bill(session, bill.id, bill.version, act(people.kim))
    await send_bill(session, bill.id, bill.version, act(people.ana))
    await issue_bill(session, bill.id, act(people.system, later), drawn)
    await note_trouble(session, bill.id, "Connection lost", unheard=1)


async def test_every_form_sent_twice_is_done_once_and_told_as_done(
    served: BrowserSide, db: Database, ids: dict[str, int]
) -> None:
    """Kim has two more devices, to be signed out."""
    visitors = {}
    for who in ("kim", "kim", "kim", "ana", "new", "vera"):
        async with db.transaction() as session:
            user = await session.get_one(User, ids[who])
        visitors[who] = await served.signed_in(user)
    faults = []
    for form in FORMS:
        await _learn(db, ids)
        faults += [f"{form.action}: {fault}" for fault in await _twice(form, visitors, db, ids)]
    assert faults == []


def test_no_form_is_left_out() -> None:
    in_table = {re.sub(r"{\w+}|\d{4}-\d\d", "{}", form.action) for form in FORMS}
    left = {path for path in _posted() if re.sub(r"{\w+}", "{}", path) not in in_table}
    assert left == set(APART)


def _posted() -> Iterator[str]:
    for route in (route for router in ROUTERS for route in router.routes):
        assert isinstance(route, APIRoute)
        if "POST" in (route.methods or ()):
            yield route.path


async def _learn(db: Database, ids: dict[str, int]) -> None:
    """What the forms before have made."""
    found = {
        "comment": "select max(id) from bill_actions where action = 'comment'",
        "token": "select max(id) from api_tokens",
        "device": "select min(id) from sessions where user_id = :kim",
        "source": "select max(id) from usage_sources",
        "webhook": "select max(id) from webhooks",
        "delivery": "select max(id) from webhook_deliveries",
    }
    async with db.transaction() as session:
        for name, query in found.items():
            ids[name] = await session.scalar(sa.text(query), {"kim": ids["kim"]}) or 0


async def _twice(
    form: Form, visitors: Mapping[str, Visitor], db: Database, ids: Mapping[str, int]
) -> list[str]:
    visitor, action = visitors[form.who], form.action.format_map(ids)
    shown = await visitor.get(form.page.format_map(ids))
    if shown.status != 200:
        return [f"its page answers {shown.status}"]
    typed = {name: text.format_map(ids) for name, text in form.typed.items()}
    data = fields_of(form_to(shown.text, action)) | typed
    first = await visitor.post(action, data=data)
    done = await _contents(db)
    second = await visitor.post(action, data=data)
    faults = [f"{name} was changed twice" for name in await _changed(db, done)]
    expected = {"page": (200, 200), "secret": (200, 409)}.get(form.tells, (303, 303))
    if (first.status, second.status) != expected:
        faults.append(f"{first.status} and then {second.status}")
    if form.tells == "" and _told(first) != _told(second):
        faults.append(f"{_told(first)} and then {_told(second)}")
    return faults


def _told(answer: Answer) -> tuple[str | None, str]:
    """Where it leads, and what is told there."""
    notice = re.match("notice=[^;]*", answer.headers.get("Set-Cookie", ""))
    return answer.headers.get("Location"), notice[0] if notice else ""


async def _contents(db: Database) -> dict[str, str | None]:
    """A digest of the rows of every table."""
    async with db.transaction() as session:
        tables = await session.scalars(_TABLES, {"unmoved": list(UNMOVED)})
        query = " union all ".join(
            f"select '{table}', md5(string_agg(t::text, '' order by t::text)) from {table} t"
            for table in tables
        )
        return {row[0]: row[1] for row in await session.execute(sa.text(query))}


_TABLES = sa.text("""
select relname from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> all(:unmoved)
""")


async def _changed(db: Database, before: Mapping[str, str | None]) -> list[str]:
    after = await _contents(db)
    return [table for table in after if after[table] != before[table]]
