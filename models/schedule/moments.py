"""Hours of a day, as moments."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def moment_of(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """When it is that hour there. Of an hour that is there twice the second: a day, once begun, may
    begin again; of one that is not there, as long after what came before.
    """
    local = datetime.combine(day, time(hour), zone)
    return max(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
