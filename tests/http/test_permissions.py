"""Every route, asked by everybody: whoever may not is refused, and learns nothing by it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import pytest
from fastapi.routing import APIRoute

from handlers.api import app as api
from handlers.http.ids import FINDERS, LARGEST_ID
from handlers.http.once import FIELD
from handlers.web import app as pages
from models.actions.comment import add_comment
from models.actions.uploaded_files import look_at_file
from models.batches.send_preview import new_list
from models.db.columns import Session
from models.db.database import Database
from models.imports.books import Book
from models.people.api_tokens import make_api_token
from models.people.sessions import devices_of, open_session
from models.people.users import User
from models.period import Period
from models.webhooks.events import Event
from models.webhooks.keeping import add_webhook, send_test
from tests.harness.browser_side import Answer, BrowserSide, Visitor
from tests.harness.cast import People
from tests.harness.scene import act, bill_for
from tests.harness.slack_people import NOW
from tests.harness.sources import asked_source
from tests.http.permission_rows import EVERYBODY, ROWS, Row

pytestmark = pytest.mark.long

Callers = Mapping[str, User | None]
Things = Mapping[str, Mapping[str, int]]
WORDS = {
    "token": "csl_0",
    "digest": "0",
    "name": "site.css",
    "period": "2026-10",
    "month": "2026-10",
}
"""What stands in addresses besides numbers."""

USAGE = b"customer,year,month,api_usage\nAcme Corp,2026,8,5\n"
REFUSED = {401, 403, 404, 405, 500}


def _routes() -> Iterator[str]:
    for prefix, routers in ((api.PREFIX, api.ROUTERS), ("", pages.ROUTERS)):
        for route in (route for router in routers for route in router.routes):
            assert isinstance(route, APIRoute)
            assert hasattr(route.endpoint, "open_to"), (
                f"{route.path} does not say to whom it is open"
            )
            yield from (f"{method} {prefix}{route.path}" for method in route.methods)


def test_every_route_has_its_row() -> None:
    """In `tests/http/permission_rows.py`: who may ask for it, and what goes along."""
    rows, routes = {row.route for row in ROWS}, set(_routes())
    assert (routes - rows, rows - routes) == (set(), set())


def test_every_number_in_an_address_is_looked_for() -> None:
    named = {name for route in _routes() for name in re.findall(r"{(\w+_id)}", route)}
    assert named <= set(FINDERS)


def test_no_route_has_two_rows() -> None:
    assert [route for route, rows in Counter(row.route for row in ROWS).items() if rows > 1] == []


async def test_what_an_address_takes_is_told_whole(served: BrowserSide) -> None:
    taken: dict[str, set[str]] = {"/health": {"GET", "HEAD"}}
    for method, path in (row.route.split() for row in ROWS):
        taken.setdefault(path, set()).update({method, "HEAD"} if method == "GET" else {method})
    visitor = served.visitor()
    for path, methods in taken.items():
        address = path.format(**WORDS, **dict.fromkeys(FINDERS, 1))
        refused = await visitor.ask("LOCK", address)
        assert (refused.status, {*refused.headers["Allow"].split(", ")}) == (405, methods), path


@pytest.fixture
async def things(db: Database, people: People) -> Things:
    """What addresses are about: what Kim and Sam have to do with, and what they have not."""
    async with db.transaction() as session:
        by = act(people.system)
        needs = {"require_csm_approval": True}
        both = needs | {"require_sales_approval": True, "sales_id": people.sam.id}
        own = await bill_for(session, by, "Acme Corp", csm_id=people.kim.id, **both)
        shown = await new_list(session, act(people.ana))
        other = await bill_for(session, by, "Bolt Ltd", csm_id=people.lee.id, **needs)
        finance = act(people.ana)
        told = [await add_webhook(session, finance, "https://8.8.8.8/", [*Event]) for _ in "12"]
        kept = await look_at_file(session, Book.USAGE, "usage.csv", USAGE, finance)
        tests = [await send_test(session, finance, webhook.id) for webhook, _ in told]
        pull = await asked_source(session, finance, Period(2026, 10))
        things = {
            name: {
                "bill_id": bill.id,
                "customer_id": bill.customer_id,
                "list_id": shown,
                "user_id": user.id,
                "webhook_id": test.webhook_id,
                "delivery_id": test.id,
                "file_id": kept.id,
                "source_id": pull.source_id,
                "pull_id": pull.id,
                **await _signed_in(session, user),
            }
            for name, bill, user, test in (
                ("own", own, people.kim, tests[0]),
                ("other", other, people.lee, tests[1]),
            )
        }
        things["second"] = things["own"] | await _signed_in(session, people.kim)
        for name, author in (("own", people.kim), ("other", people.sam), ("second", people.ana)):
            said = await add_comment(session, things[name]["bill_id"], act(author), "Hm")
            things[name]["comment_id"] = said.id
        return things


async def _signed_in(session: Session, user: User) -> dict[str, int]:
    """A device and a token of this person."""
    await open_session(session, user, NOW)
    device, *earlier = await devices_of(session, user, NOW)
    token, _ = await make_api_token(session, user, f"report {len(earlier)}", NOW)
    return {"device_id": device.id, "token_id": token.id}


@pytest.fixture
async def callers(db: Database, people: People) -> Callers:
    """Whoever asks, by their letter."""
    async with db.transaction() as session:
        new, off = User(name="New"), User(name="Off", role="Finance", active=False)
        session.add_all((new, off))
    asking = (people.ana, people.kim, people.sam, people.max, new, off, None)
    return dict(zip(EVERYBODY, asking, strict=True))


async def test_nobody_is_let_in_but_those_who_may(
    served: BrowserSide, things: Things, callers: Callers
) -> None:
    """Refusals come first, since these leave everything as it is, and whoever asks signed in; then
    what only reads.
    """
    browsers = {who: await _browser(served, callers[who]) for who in EVERYBODY}
    wrong = [
        f"{who} {row.route} of {thing}: {answer.status}, {answer.text[:200]}"
        for row in ROWS
        for thing, may in row.of().items()
        for who in EVERYBODY
        if who not in may
        for answer in [await _ask(browsers[who], row, things[thing])]
        if not _is_refused(row, who, answer)
    ]
    wrong += [
        f"{who} {row.route} of {thing}: {answer.status}, {answer.text[:200]}"
        for row in sorted(ROWS, key=_changes)
        for thing, may in row.of().items()
        for who in may
        for browser in [await _browser(served, callers[who]) if _changes(row) else browsers[who]]
        for answer in [await _ask(browser, row, things[thing])]
        if not _is_let_in(row, answer)
    ]
    assert wrong == []


async def test_no_page_of_another_site_does_anything_for_whoever_may(
    served: BrowserSide, things: Things, callers: Callers
) -> None:
    browsers = {who: await _browser(served, callers[who]) for who in EVERYBODY}
    elsewhere = {"Origin": "https://elsewhere.example"}
    for row in filter(_changes, ROWS):
        thing, may = next(iter(row.of().items()))
        headers = elsewhere | row.asked.get("headers", {})
        asked = replace(row, asked={**row.asked, "headers": headers})
        refused = await _ask(browsers[may[0]], asked, things[thing])
        assert (refused.status, "another site" in refused.text) == (403, True), row.route


async def test_whoever_may_not_know_learns_not_what_there_is(
    served: BrowserSide, things: Things, callers: Callers
) -> None:
    """An address of what there is and one of what is not there are answered in the same words."""
    browsers = {who: await _browser(served, callers[who]) for who in EVERYBODY}
    numbered = [row for row in ROWS if "_id}" in row.route]
    for row in numbered:
        for who in EVERYBODY:
            kept = [name for name, may in row.of().items() if who not in may]
            if not row.hides and len(kept) < len(row.of()):
                continue
            nothing = dict.fromkeys(FINDERS, LARGEST_ID)
            expected = await _ask(browsers[who], row, nothing)
            for thing in kept:
                answer = await _ask(browsers[who], row, things[thing])
                numbers = {*things[thing].values(), *nothing.values()}
                assert (answer.status, _told(answer, numbers)) == (
                    expected.status,
                    _told(expected, numbers),
                ), (who, row.route)


def _told(answer: Answer, numbers: Iterable[int]) -> str:
    """What is said, whatever the number that was asked for, one of these, and the keys of forms."""
    told = answer.text + answer.headers.get("Location", "")
    told = re.sub(rf'name="{FIELD}" value="[^"]+"', "", told)
    return re.sub(rf"(?<!\d)({'|'.join(map(str, numbers))})(?!\d)", "#", told)


async def _browser(served: BrowserSide, user: User | None) -> Visitor:
    return await served.signed_in(user) if user else served.visitor()


def _changes(row: Row) -> bool:
    return not row.route.startswith("GET ")


async def _ask(browser: Visitor, row: Row, ids: Mapping[str, int]) -> Answer:
    method, _, path = row.route.partition(" ")
    return await browser.ask(method, path.format(**WORDS, **ids), **row.asked)


def _is_refused(row: Row, who: str, answer: Answer) -> bool:
    if who in "FCSMN":
        return answer.status == (404 if row.hides else 403)
    if "/api/" in row.route:
        return answer.status == 401
    return answer.status == 303 and answer.headers["Location"].startswith("/welcome")


def _is_let_in(row: Row, answer: Answer) -> bool:
    """Whatever came of it; that they are who may was not in question."""
    sent_away = answer.headers.get("Location", "").startswith("/welcome?")
    refused = REFUSED - {404} if row.lacks else REFUSED
    return answer.status not in refused and not sent_away
