"""Whoever is away by their status in Slack, and what they say themselves goes before it."""

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bot.worker.message_content import content_of
from models.actions.absence import end_absences, mark_away, mark_back
from models.actions.away_status import follow_status
from models.dates import OPEN_END
from models.db.database import do_put_off
from models.outbox.messages import Message, MessageKind
from models.people.away_statuses import StatusSaid
from models.people.users import User
from models.schedule.reminders import escalate, remind
from tests.harness.cast import People
from tests.harness.scene import act
from tests.models.schedule.test_reminders import at, kims_bill
from tests.views.samples import shown

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
THURSDAY_NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
PALM = StatusSaid("palm_tree", None)
ILL = StatusSaid("face_with_thermometer", THURSDAY_NOON)


@pytest.fixture
async def once_away(session: AsyncSession, people: People) -> None:
    """Kim was away some time ago, and Lee stood in."""
    await mark_away(session, act(people.kim, MONDAY), MONDAY.date(), people.lee)
    await mark_back(session, act(people.kim, MONDAY))


async def says(
    session: AsyncSession, people: People, said: StatusSaid | None, day: int = 2, hour: int = 10
) -> tuple[date | None, int | None]:
    """Until when Kim is away once Slack tells her status, and who decides in her place."""
    await follow_status(session, at(people, day, hour), "UKIM", said)
    return await absence_of_kim(session, people)


async def absence_of_kim(session: AsyncSession, people: People) -> tuple[date | None, int | None]:
    user = await session.get_one(User, people.kim.id)
    return user.away_until, user.delegate_id


async def told(session: AsyncSession, kind: MessageKind) -> list[str]:
    """What these messages read, of those that still have something to say."""
    await do_put_off(session)
    query = sa.select(Message).where(Message.kind == kind).order_by(Message.id)
    contents = [await content_of(session, one) for one in (await session.scalars(query)).all()]
    return [shown(content.draw().blocks) for content in contents if content]


async def test_whom_kim_named_last_decides_until_her_status_ends(
    session: AsyncSession, people: People, once_away: None
) -> None:
    assert await says(session, people, ILL) == (date(2026, 11, 5), people.lee.id)
    (read,) = await told(session, MessageKind.AWAY_BY_STATUS)
    assert "away up to and including 5 November 2026. Meanwhile Lee (CSM) decides" in read
    assert await end_absences(session, at(people, 5, 11)) == 0
    assert await end_absences(session, at(people, 5, 12)) == 1
    assert await absence_of_kim(session, people) == (None, None)
    assert await says(session, people, None, 5, 13) == (None, None)
    assert await told(session, MessageKind.AWAY_BY_STATUS) == []


async def test_a_status_without_an_end_counts_until_it_is_changed(
    session: AsyncSession, people: People, once_away: None
) -> None:
    assert await says(session, people, PALM) == (OPEN_END, people.lee.id)
    (read,) = await told(session, MessageKind.AWAY_BY_STATUS)
    assert "away until your status in Slack changes" in read
    assert await end_absences(session, at(people, 30)) == 0
    assert await says(session, people, ILL, 3) == (date(2026, 11, 5), people.lee.id)
    assert await says(session, people, None, 4) == (None, None)


async def test_where_nobody_stands_in_finance_hears_after_a_working_day(
    session: AsyncSession, people: People
) -> None:
    await kims_bill(session, people)
    assert await says(session, people, PALM) == (OPEN_END, None)
    (read,) = await told(session, MessageKind.AWAY_BY_STATUS)
    assert "Nobody decides in your place. To name somebody, type" in read
    assert await remind(session, at(people, 3)) == (0, False)
    assert await escalate(session, at(people, 3)) == (1, False)
    (read,) = await told(session, MessageKind.ESCALATION)
    assert "waits for Kim (CSM) who is away" in read


@pytest.mark.parametrize("missing", [{"active": False}, {"role": "Manager"}, {}])
async def test_whoever_cannot_stand_in_any_more_does_not(
    session: AsyncSession, people: People, once_away: None, missing: dict[str, object]
) -> None:
    """Lee is switched off, has another role, or is away too."""
    if missing:
        await session.execute(sa.update(User).where(User.id == people.lee.id).values(**missing))
    else:
        await mark_away(session, act(people.lee, MONDAY), date(2026, 11, 20), people.sam)
    assert await says(session, people, PALM) == (OPEN_END, None)


async def test_what_kim_says_herself_goes_before_her_status_until_she_has_another(
    session: AsyncSession, people: People, once_away: None
) -> None:
    own, by_kim = date(2026, 11, 20), act(people.kim, MONDAY)
    await says(session, people, PALM)
    await mark_back(session, by_kim)
    assert await says(session, people, PALM) == (None, None)
    assert await says(session, people, ILL) == (date(2026, 11, 5), people.lee.id)
    await mark_away(session, by_kim, own, people.sam)
    assert await says(session, people, PALM) == (own, people.sam.id)
    assert await says(session, people, None) == (own, people.sam.id)
    assert await end_absences(session, at(people, 6)) == 0


async def test_a_status_of_whoever_approves_nothing_is_nobodys_absence(
    session: AsyncSession, people: People
) -> None:
    for slack_id in ("UANA", "UNOBODY"):
        await follow_status(session, at(people, 2), slack_id, PALM)
    assert await session.scalar(sa.text("select count(*) from away_statuses")) == 0


async def test_kim_who_stood_in_for_sam_hands_him_on_to_lee(
    session: AsyncSession, people: People, once_away: None
) -> None:
    await mark_away(session, act(people.sam, MONDAY), date(2026, 11, 20), people.kim)
    await says(session, people, PALM)
    assert (await session.get_one(User, people.sam.id)).delegate_id == people.lee.id
