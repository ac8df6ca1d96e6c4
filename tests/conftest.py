"""What the tests stand on: a database of their own, and a small cast of people."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from models.db.database import Database
from models.people.permissions import Role
from models.people.users import User, add_user, system_user
from tests.postgres import TestPostgres

SHARED = Path(__file__).parent.parent.parent / "shared"


@dataclass(frozen=True)
class People:
    """Ana keeps the books; Kim and Lee look after customers, Sam sells, Max looks on."""

    ana: User
    kim: User
    lee: User
    sam: User
    max: User
    system: User


@pytest.fixture(scope="session")
def postgres(testrun_uid: str) -> Iterator[TestPostgres]:
    server = TestPostgres(testrun_uid)
    yield server
    server.close()


@pytest.fixture
def database_url(postgres: TestPostgres) -> Iterator[str]:
    """The address of a freshly migrated database, which is dropped afterwards."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def session(db: Database) -> AsyncIterator[AsyncSession]:
    """A transaction that commits when the test ends."""
    async with db.long_transaction() as transaction:
        yield transaction


@pytest.fixture
async def people(db: Database) -> People:
    """The cast, committed; Slack ids are `UANA`, `UKIM`, `ULEE`, `USAM`, `UMAX`."""
    roles = {
        "Ana": Role.FINANCE,
        "Kim": Role.CSM,
        "Lee": Role.CSM,
        "Sam": Role.SALES,
        "Max": Role.MANAGER,
    }
    async with db.transaction() as session:
        cast = {
            name.lower(): await add_user(
                session, name, role, f"U{name.upper()}", f"{name.lower()}@example.com"
            )
            for name, role in roles.items()
        }
        return People(**cast, system=await system_user(session))


@pytest.fixture
def shared() -> Path:
    """The folder of real data beside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the real data in {SHARED}")
    return SHARED
