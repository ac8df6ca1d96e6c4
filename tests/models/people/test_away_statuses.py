"""Which statuses in Slack say that somebody is away, and until when."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models.dates import OPEN_END
from models.people.away_statuses import StatusSaid, read_away_status
from models.slack_ids import read_emojis

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
AWAY = frozenset({"palm_tree", "face_with_thermometer"})
FRIDAY = datetime(2026, 11, 6, 23, tzinfo=UTC)
PALM = {"status_emoji": ":palm_tree:"}


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (PALM, StatusSaid("palm_tree", None)),
        (PALM | {"status_text": "休暇中"}, StatusSaid("palm_tree", None)),
        ({"status_emoji": ":palm_tree::skin-tone-3:"}, StatusSaid("palm_tree", None)),
        (
            PALM | {"status_expiration": int(FRIDAY.timestamp())},
            StatusSaid("palm_tree", FRIDAY),
        ),
        (
            {"status_emoji": ":face_with_thermometer:", "status_expiration": 0},
            StatusSaid("face_with_thermometer", None),
        ),
        (PALM | {"status_expiration": 10**15}, StatusSaid("palm_tree", None)),
        (PALM | {"status_expiration": int(NOW.timestamp())}, None),
        ({"status_emoji": ":spiral_calendar_pad:", "status_text": "Vacationing"}, None),
        ({"status_emoji": "", "status_text": "On vacation"}, None),
        ({"status_emoji": None, "status_expiration": None}, None),
        ({}, None),
    ],
)
def test_a_status_is_told_by_its_emoji_until_it_ends(
    profile: dict[str, Any], said: StatusSaid | None
) -> None:
    assert read_away_status(profile, AWAY, NOW) == said


def test_emojis_are_written_with_colons_or_without() -> None:
    assert read_emojis(":palm_tree:, +1 away-now") == "palm_tree,+1,away-now"


@pytest.mark.parametrize(
    ("ends_at", "zone", "last_day"),
    [
        (FRIDAY, "UTC", date(2026, 11, 6)),
        (FRIDAY, "Europe/Berlin", date(2026, 11, 6)),
        (FRIDAY, "Asia/Tokyo", date(2026, 11, 7)),
        (FRIDAY, "America/New_York", date(2026, 11, 6)),
        (None, "UTC", OPEN_END),
    ],
)
def test_the_last_day_is_the_one_on_which_it_ends_and_midnight_ends_the_day_before(
    ends_at: datetime | None, zone: str, last_day: date
) -> None:
    assert StatusSaid("palm_tree", ends_at).last_day(ZoneInfo(zone)) == last_day
