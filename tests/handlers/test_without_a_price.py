"""A customer without a price: what its card and its refusals advise, done as they say."""

from io import BytesIO

import sqlalchemy as sa

from handlers.wording.addresses import use_public_url
from models.actions.recalculate import recalculate
from models.batches.bill_run import run_step, start_bill_run
from models.context import Context, Source
from models.imports.files import import_customers
from models.period import Period
from tests.harness.cast import People
from tests.harness.record import bill_of
from tests.harness.running import Listeners
from tests.harness.slack_people import NOW, Team, said


async def test_a_bill_without_a_price_goes_on_once_the_advice_is_followed(
    team: Team, listeners: Listeners, people: People
) -> None:
    """Where there are no pages to mend it on."""
    use_public_url("")
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
        assert "countersign import customers FILE.csv" in said(told), line
        assert "in the columns overage_unit_cost and valid_from of" in said(told), line
    file = "name,overage_unit_cost,valid_from\nAcme Corp,0.5,2026-10"
    async with team.db.long_transaction() as session:
        await import_customers(session, BytesIO(file.encode()), people.ana, NOW)
        await recalculate(session, act)
    bill = await bill_of(team.db, bill_id)
    assert (bill.status, bill.overage_amount) == ("pending", 250)
