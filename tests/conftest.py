"""What the tests stand on: a database of their own, and a small cast of people."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.wording import addresses
from models.db.database import Database
from tests.harness.browser_side import PUBLIC_URL, BrowserSide, browser_side
from tests.harness.cast import People, add_people, find_people
from tests.harness.database import TestDatabase, TestPostgres
from tests.harness.job_pools import is_of_a_pool
from tests.harness.mail_packages import why_not
from tests.harness.mail_servers import Root, Store, dovecot, own_root
from tests.harness.slack_people import Clock
from tests.harness.timings import bundle_after
from tests.sandbox.page_browser import chromium

SHARED = Path(__file__).parent.parent.parent / "shared"


@pytest.fixture(scope="session")
async def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.fixture(autouse=True)
def _nothing_outlives_its_test(_loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """All tests of a process share one loop: what one of them has begun ends with it."""
    before = asyncio.all_tasks(_loop)
    yield
    begun = asyncio.all_tasks(_loop) - before
    left = [task for task in begun if not is_of_a_pool(task)]
    for task in left:
        task.cancel()
    if left:
        _loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


@pytest.fixture(autouse=True)
def _there_are_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with the pages where Slack's words link to, whatever the last one set."""
    monkeypatch.setattr(addresses, "_public_url", PUBLIC_URL)


@pytest.fixture
def bundled_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What belongs together is told once nothing more has come for a second."""
    bundle_after(monkeypatch, 1)


@pytest.fixture(scope="session")
async def postgres(testrun_uid: str) -> AsyncIterator[TestPostgres]:
    server = TestPostgres(testrun_uid)
    yield server
    await server.close()


@pytest.fixture
async def database(postgres: TestPostgres) -> AsyncIterator[TestDatabase]:
    """A migrated database that is empty but for the user `system`."""
    lent = postgres.lend()
    yield lent
    await postgres.take_back(lent)


@pytest.fixture
def database_url(database: TestDatabase) -> str:
    return database.url


@pytest.fixture
def db(database: TestDatabase) -> Database:
    return database.db


@pytest.fixture
async def session(db: Database) -> AsyncIterator[AsyncSession]:
    """A transaction that commits when the test ends."""
    async with db.long_transaction() as transaction:
        yield transaction


@pytest.fixture
async def people(database: TestDatabase) -> People:
    """The cast, committed."""

    async def added() -> None:
        async with database.db.transaction() as session:
            await add_people(session)

    await database.seeded("people", added)
    async with database.db.transaction() as session:
        return await find_people(session)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def served(db: Database, clock: Clock) -> AsyncIterator[BrowserSide]:
    """The browser side over the test's database, at the time of the clock."""
    async with browser_side(db, now=clock) as side:
        yield side


@pytest.fixture(scope="session")
async def _chromium() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest.fixture
async def browser(_chromium: Browser) -> AsyncIterator[Browser]:
    """Chromium with nothing open in it."""
    yield _chromium
    for context in _chromium.contexts:
        await context.close()


@pytest.fixture(scope="session")
def mail_root() -> Iterator[Root]:
    """Where real mail servers run, if they can here."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with own_root() as root:
        yield root


@pytest.fixture(scope="session")
def _dovecot(mail_root: Root) -> Iterator[Store]:
    with dovecot(mail_root) as store:
        yield store


@pytest.fixture
def store(_dovecot: Store) -> Iterator[Store]:
    """Dovecot, with nothing in any mailbox."""
    yield _dovecot
    _dovecot.forget()


@pytest.fixture
def shared() -> Path:
    """The folder of real data beside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the real data in {SHARED}")
    return SHARED
