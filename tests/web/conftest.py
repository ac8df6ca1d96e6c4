"""The browser side over the test's database."""

from collections.abc import AsyncIterator

import pytest

from models.db.database import Database
from tests.harness.browser_side import BrowserSide, browser_side


@pytest.fixture
async def served(db: Database) -> AsyncIterator[BrowserSide]:
    async with browser_side(db) as side:
        yield side
