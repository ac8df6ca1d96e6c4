"""Countries, languages, ids and addresses: what is taken, and what is said of what is not."""

from collections.abc import Callable

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from models.errors import Unreadable
from models.mailboxes import mailboxes, read_mailboxes
from models.regions import COUNTRIES, read_country, read_locale
from models.slack_ids import read_channel_id, read_member_id

TAKEN: list[tuple[Callable[[str], str], str, str]] = [
    (read_country, "gb", "GB"),
    (read_locale, "de-ch", "de_CH"),
    (read_locale, "en", "en"),
    (read_channel_id, "<#C012AB3CD|acme>", "C012AB3CD"),
    (read_channel_id, "https://app.slack.com/client/T012/C012AB3CD/thread/1.2", "C012AB3CD"),
    (read_member_id, "<@U012AB3CD|kim>", "U012AB3CD"),
    (read_member_id, "https://acme.slack.com/team/W012AB3CD", "W012AB3CD"),
    (read_mailboxes, "Ana <ana@a.example>; kim@b.example", "Ana <ana@a.example>; kim@b.example"),
]


@pytest.mark.parametrize(("reading", "typed", "code"), TAKEN)
def test_what_is_certain_is_taken(reading: Callable[[str], str], typed: str, code: str) -> None:
    assert reading(typed) == code


REFUSED: list[tuple[Callable[[str], str], str, str]] = [
    (read_country, "UK", "write GB"),
    (read_country, "EL", "write GR"),
    (read_country, "Österreich", "write AT"),
    (read_country, "EU", "is not a country"),
    (read_country, "ZZ", "is not a country"),
    (read_locale, "Deutsch", "write de"),
    (read_locale, "german", "write de"),
    (read_locale, "de_XX", "is not a locale"),
    (read_channel_id, "#acme", "stands at the end of the channel's details"),
    (read_channel_id, "https://evil.example/archives/C012AB3CD", "is not a channel's id"),
    (read_member_id, "@kim", "“Copy member ID” stands in the menu"),
    (read_mailboxes, "n/a", "is a placeholder"),
    (read_mailboxes, "mailto:ap@acme.example", "without “mailto:”"),
    (read_mailboxes, "ap@acme", "“acme” is no domain"),
    (read_mailboxes, "ap@acme.example bo@acme.example", "is not an e-mail address"),
]


@pytest.mark.parametrize(("reading", "typed", "why"), REFUSED)
def test_what_is_not_is_refused_with_what_to_write(
    reading: Callable[[str], str], typed: str, why: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        reading(typed)
    assert why in refused.value.reason


@given(st.emails())
def test_an_address_that_is_taken_is_one_that_mail_is_sent_to(address: str) -> None:
    assert read_mailboxes(address) == address
    assert len(mailboxes(address)) == 1


def test_every_country_has_a_name() -> None:
    assert set(Locale("en").territories) >= COUNTRIES
    assert len(COUNTRIES) == 250
