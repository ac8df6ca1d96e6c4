"""Whoever approves goes away on the web, and Finance sees who stands in."""

import pytest
import sqlalchemy as sa

from models.db.database import Database
from models.people.users import User
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People


async def test_kim_goes_away_on_the_web_and_finance_sees_that_lee_stands_in(
    served: BrowserSide, people: People
) -> None:
    kim, ana = await served.signed_in(people.kim), await served.signed_in(people.ana)
    away = {"until": "2026-11-20", "delegate_id": people.lee.id}
    gone = await kim.post("/account/away", data=away)
    assert (gone.status, gone.headers["Location"]) == (303, "/account")
    told = (await kim.get("/account")).text
    assert "away up to and including 20 November 2026. Meanwhile Lee decides" in told
    assert (
        f'<option value="{people.lee.id}" selected>Lee</option>' in (await kim.get("/account")).text
    )
    for page in ("/people", f"/people/{people.kim.id}"):
        assert "20 November 2026" in (await ana.get(page)).text
    seen = (await ana.get(f"/api/users/{people.kim.id}")).json
    assert (seen["away_until"], seen["delegate_id"]) == ("2026-11-20", people.lee.id)
    assert (await kim.post("/account/back")).status == 303
    assert "I am back" not in (await kim.get("/account")).text
    assert "stands in" not in (await ana.get("/people")).text


@pytest.mark.parametrize(
    ("until", "delegate", "told"),
    [
        ("2026-11-20", "", "Choose somebody who may approve bills."),
        ("2026-11-20", "9" * 30, "Choose somebody who may approve bills."),
        ("2026-11-20", "kim", "Name somebody else"),
        ("2026-11-20", "max", "may not approve bills"),
        ("2025-11-20", "lee", "Name a day from today on"),
        ("soon", "lee", "is not a date"),
    ],
)
async def test_what_cannot_be_is_told_beside_what_was_typed(
    served: BrowserSide, people: People, db: Database, until: str, delegate: str, told: str
) -> None:
    kim = await served.signed_in(people.kim)
    user: User | None = getattr(people, delegate, None)
    typed = {"until": until, "delegate_id": str(user.id) if user else delegate}
    refused = await kim.post("/account/away", data=typed)
    assert refused.status == 422
    assert told in refused.text
    assert f'value="{until}"' in refused.text
    async with db.transaction() as session:
        assert not await session.scalar(sa.select(User.id).where(User.away_until.is_not(None)))


async def test_finance_has_nobody_to_stand_in(served: BrowserSide, people: People) -> None:
    """Finance decides on nothing that anybody could decide instead."""
    ana = await served.signed_in(people.ana)
    assert "/account/away" not in (await ana.get("/account")).text
