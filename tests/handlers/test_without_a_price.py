"""A customer without a price: what its card and its refusals advise, done as they say."""

import sqlalchemy as sa

from models.batches.bill_run import run_step, start_bill_run
from models.context import Context, Source
from models.period import Period
from tests.harness.cast import People
from tests.harness.record import bill_of
from tests.harness.running import Listeners
from tests.harness.slack_people import NOW, Team, said


async def test_a_bill_without_a_price_goes_on_once_the_advice_is_followed(
    team: Team, listeners: Listeners, people: People
) -> None:
    """In Slack alone."""
    act = Context(people.ana, NOW, Source.SLACK)
    async with team.db.transaction() as session:
        unpriced = "update {} set overage_unit_cost = null"
        for table in ("customers", "customer_terms"):
            await session.execute(sa.text(unpriced.format(table)))
        run = await start_bill_run(session, Period(2026, 10), act, listeners.services.zone)
    async with team.db.long_transaction() as session:
        await run_step(session, run, listeners.services.billing, NOW)
        bill_id = await session.scalar(sa.text("select min(id) from bills"))
    held = await bill_of(team.db, bill_id)
    assert (held.status, held.hold_reason) == ("held", "no_price")

    for line in ("show", "release", "revise"):
        told = await team.ana.types(f"/bill {line} #{bill_id}")
        assert "ive the customer one from that month on, with " in said(told), line
        assert "/customer edit" in said(told), line
    await team.ana.types("/customer edit Acme Corp")
    await team.ana.submits(overage_unit_cost="0.5", valid_from="2026-10")
    await team.ana.submits()
    bill = await bill_of(team.db, bill_id)
    assert (bill.status, bill.overage_amount) == ("pending", 250)
