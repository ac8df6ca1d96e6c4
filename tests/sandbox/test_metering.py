"""The demo company's meter: a newcomer checks what it says, and takes it in."""

import csv
from datetime import timedelta
from pathlib import Path

from bot.warehouse.pulling import check, pull
from models.context import Context, Source
from models.db.database import Database
from models.people.users import find_by_name
from models.period import Period
from models.usage.days import days_of
from sandbox.demo import DANA, load
from sandbox.metering import UNREPORTED_CALLS, connect
from tests.harness.files import rows_of
from tests.harness.slack_people import NOW

LAST = Period.of(NOW).plus(-1)


async def test_the_meter_knows_the_month_that_nobody_has_reported(
    db: Database, tmp_path: Path
) -> None:
    await load(db, NOW)
    async with db.transaction() as session:
        await connect(session, tmp_path, NOW)
        dana = await find_by_name(session, DANA.name)
    assert dana
    ((source_id,),) = await rows_of(db, "select id from usage_sources where name = 'metering'")
    by = Context(dana, NOW, Source.CLI)

    foretold = (await check(db, source_id, LAST, by)).foretold
    assert (foretold.added, foretold.changed, foretold.unchanged) == (1, 0, 8)
    assert not foretold.missing and not foretold.unknown
    before = (await check(db, source_id, LAST.plus(-1), by)).foretold
    assert (before.added, before.changed, before.unchanged) == (0, 0, 9)

    await pull(db, source_id, LAST, by)
    async with db.transaction() as session:
        ((harbour,),) = await rows_of(
            db, "select id from customers where name = 'Old Harbour Foods'"
        )
        days = await days_of(session, harbour, LAST)
    assert sum(day.calls for day in days) == UNREPORTED_CALLS
    assert days[0].day == LAST.first_day
    assert all(day.calls > 0 for day in days)


async def test_the_running_month_goes_up_to_yesterday(db: Database, tmp_path: Path) -> None:
    await load(db, NOW)
    async with db.transaction() as session:
        await connect(session, tmp_path, NOW)
    rows = csv.DictReader((tmp_path / "events.csv").read_text(encoding="utf-8").splitlines())
    assert max(row["happened"][:10] for row in rows) == f"{NOW - timedelta(days=1):%Y-%m-%d}"
