"""Whether this machine's clock is right, by others that it is compared with; by which zones."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import tzdata

from handlers.wording.health_text import Check, Standing, good

WORTH_A_LOOK = timedelta(seconds=5)
WRONG = timedelta(seconds=300)
"""Slack's signed requests are refused when they are as old as that."""
SET_IT = "Let a time service, such as systemd-timesyncd or chrony, set the clocks of all machines."


def clock_lag(theirs: datetime, before: datetime, after: datetime) -> timedelta:
    """How far our clock is ahead of another, which was read somewhen between `before` and `after`
    on ours: at least so much.
    """
    if theirs < before:
        return before - theirs
    return min(after - theirs, timedelta())


def clock_check(
    whose: str, theirs: datetime | None, before: datetime, after: datetime
) -> Iterator[Check]:
    """Nothing where `theirs` is not known. It may be told in whole seconds, so that a second more
    or less is none.
    """
    if theirs is None:
        return
    lag = clock_lag(theirs, before, after)
    name = f"Clock and {whose}'s"
    if abs(lag) < WORTH_A_LOOK:
        yield good(name, "They agree.")
        return
    way = "ahead of" if lag > timedelta() else "behind"
    told = f"This machine's clock is {abs(lag).total_seconds():,.0f} seconds {way} {whose}'s."
    yield Check(name, Standing.BAD if abs(lag) >= WRONG else Standing.WAIT, told, SET_IT)


async def zone_check(zone: ZoneInfo) -> list[Check]:
    """By which release of the world's time zones days and months begin."""
    told = f"Days are those of {zone}, by the time zones of release {tzdata.IANA_VERSION}."
    return [good("Time zone", told)]
