"""Whoever approves goes away and comes back by the API."""

import pytest

from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People

ABSENCE = "/api/absence"


async def test_kim_goes_away_changes_when_and_comes_back(
    served: BrowserSide, people: People
) -> None:
    kim = await served.signed_in(people.kim)
    for until, delegate in (("2026-11-20", people.lee), ("2026-11-27", people.sam)):
        gone = await kim.put(ABSENCE, json={"until": until, "delegate_id": delegate.id})
        assert gone.status == 200
        assert (gone.json["away_until"], gone.json["delegate_id"]) == (until, delegate.id)
        assert (await kim.get("/api/session")).json == gone.json
    assert [(await kim.delete(ABSENCE)).status for _ in "12"] == [204, 204]
    here = (await kim.get("/api/session")).json
    assert (here["away_until"], here["delegate_id"]) == (None, None)


REFUSED = (
    ("2026-11-20", 999, "delegate_id", "nobody with that id"),
    ("2026-11-20", "kim", "delegate_id", "somebody else"),
    ("2026-11-20", "max", "delegate_id", "may not approve"),
    ("2025-11-20", "lee", "until", "from today on"),
    ("next week", "lee", "until", "as in 2026-12-24"),
    ("2026-02-30", "lee", "until", "as in 2026-12-24"),
    ("2026-11-20T00:00:00Z", "lee", "until", "as in 2026-12-24"),
    (20261120, "lee", "until", "as in 2026-12-24"),
)


async def test_what_cannot_be_is_refused_with_its_field(
    served: BrowserSide, people: People, subtests: pytest.Subtests
) -> None:
    for until, delegate, field, told in REFUSED:
        with subtests.test(until=until, delegate=delegate):
            kim = await served.signed_in(people.kim)
            named = getattr(people, delegate).id if isinstance(delegate, str) else delegate
            refused = await kim.put(ABSENCE, json={"until": until, "delegate_id": named})
            assert (refused.status, refused.json["field"]) == (422, field), refused.text
            assert told in refused.json["detail"]
            assert (await kim.get("/api/session")).json["away_until"] is None
