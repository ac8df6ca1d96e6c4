"""From a card, Finance keeps the link by which a customer sees what is behind it."""

import re

import pytest
import sqlalchemy as sa

from models.settings import BillingSettings
from sandbox.fake_slack.shapes import JsonObject
from tests.handlers.conftest import Bills
from tests.handlers.test_invoice_button import number  # noqa: F401 - a fixture
from tests.harness.browser_side import PUBLIC_URL
from tests.harness.slack_people import Person, Team, said


@pytest.fixture
def billing() -> BillingSettings:
    return BillingSettings(public_url=PUBLIC_URL)


async def opens(person: Person, bill_id: int) -> JsonObject:
    """The dialog about the customer's link, from the card's menu."""
    card = await person.types(f"/bill show #{bill_id}")
    option = {"value": f'{{"bill":{bill_id},"see":"link"}}'}
    await person.clicks("bill:more", on=card, selected_option=option)
    return person.dialog


async def test_finance_revokes_the_link_and_makes_one_that_is_shown_once(
    team: Team,
    approved: Bills,
    number: str,  # noqa: F811
) -> None:
    issued = said(await opens(team.ana, approved.acme))
    assert "The customer can see what is behind the document by a link, until" in issued
    await team.ana.presses("Revoke", on=team.ana.dialog)
    assert "No link to this bill leads anywhere now" in said(team.ana.dialog)

    assert "No link lets the customer see" in said(await opens(team.ana, approved.acme))
    await team.ana.presses("Make a link", on=team.ana.dialog)
    (address,) = re.findall(rf"{PUBLIC_URL}/u/csu_[\w-]{{43}}", said(team.ana.dialog))
    assert address not in said(await opens(team.ana, approved.acme))
    async with team.db.transaction() as session:
        kept = "select revoked_at is null from usage_links order by id"
        assert (await session.scalars(sa.text(kept))).all() == [False, True]


async def test_who_does_not_send_bills_keeps_no_links(
    team: Team,
    approved: Bills,
    number: str,  # noqa: F811
) -> None:
    card = await team.kim.types(f"/bill show #{approved.acme}")
    option = {"value": f'{{"bill":{approved.acme},"see":"link"}}'}
    assert "Customer's link" not in str(card)
    (refused,) = await team.kim.clicks("bill:more", on=card, selected_option=option)
    assert "only Finance may send bills" in refused["text"]
