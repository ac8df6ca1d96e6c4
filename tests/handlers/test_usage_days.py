"""`/usage` and the dialog of a card tell where a month's figure came from, and its days."""

from datetime import date

import sqlalchemy as sa

from models.context import Source
from tests.handlers.conftest import Bills
from tests.harness.cast import People
from tests.harness.pulled import pull_days
from tests.harness.scene import act
from tests.harness.slack_people import NOW, Team, said

DAYS = {date(2026, 10, 1): 900, date(2026, 10, 9): 700}
WHENCE = "From the source events, pulled "
FINDING = (
    "Acme Corp made 1,600 calls in October 2026, most on 1 October (900); the limit was passed on"
    " 9 October."
)


async def test_one_month_is_told_by_day_and_of_several_where_the_last_came_from(
    team: Team, october: Bills, people: People
) -> None:
    async with team.db.transaction() as session:
        acme = await session.scalar(sa.text("select id from customers where name = 'Acme Corp'"))
        await pull_days(session, act(people.system, NOW, Source.CLOCK), acme, DAYS)
    one = said(await team.kim.types("/usage Acme Corp 2026-10"))
    several = said(await team.kim.types("/usage Acme Corp"))
    for told, has_days in ((one, True), (several, False)):
        assert WHENCE in told
        assert " by the clock." in told
        assert (FINDING in told) is has_days
    assert "9 October 2026" in one

    card = await team.kim.types(f"/bill show #{october.acme}")
    option = {"value": f'{{"bill":{october.acme},"see":"usage"}}'}
    await team.kim.clicks("bill:more", on=card, selected_option=option)
    assert FINDING in said(team.kim.dialog)
    assert WHENCE in said(team.kim.dialog)
