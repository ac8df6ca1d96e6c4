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
from models.text import refuse_placeholder

TAKEN: list[tuple[Callable[[str], str], str, str]] = [
    (read_country, "gb", "GB"),
    (read_locale, "de-ch", "de_CH"),
    (read_locale, "en", "en"),
    (read_country, "ＣＨ", "CH"),
    (read_locale, "ｄｅ－ＣＨ", "de_CH"),
    (read_locale, "zh_TW", "zh_Hant_TW"),
    (read_channel_id, "<#C012AB3CD|acme>", "C012AB3CD"),
    (read_channel_id, "https://app.slack.com/client/T012/C012AB3CD/thread/1.2", "C012AB3CD"),
    (read_member_id, "<@U012AB3CD|kim>", "U012AB3CD"),
    (read_member_id, "https://acme.slack.com/team/W012AB3CD", "W012AB3CD"),
    *(
        (read_mailboxes, typed, typed)
        for typed in (f"{'a' * 64}@x.example", "ap@xn--mller-kva.example", "ap@b.xn--p1ai")
    ),
    (read_mailboxes, "Ana <ana@a.example>; kim@b.example", "Ana <ana@a.example>; kim@b.example"),
]


@pytest.mark.parametrize(("reading", "typed", "code"), TAKEN)
def test_what_is_certain_is_taken(reading: Callable[[str], str], typed: str, code: str) -> None:
    assert reading(typed) == code


REFUSED: list[tuple[Callable[[str], str], str, str]] = [
    (read_country, "UK", "write GB"),
    (read_country, "EL", "write GR"),
    (read_country, "Österreich", "write AT"),
    (read_country, "Great Britain", "write GB"),
    (read_country, "GBR", "write GB"),
    (read_country, "DEU", "write DE"),
    (read_country, "756", "write CH"),
    (read_country, "Holland", "write NL"),
    (read_locale, "root", "is not a locale"),
    (read_locale, "sr@latin", "write sr_Latn"),
    (read_locale, "en_UK", "write en_GB"),
    (read_locale, "iw", "write he"),
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
    (read_mailboxes, "ap@[127.0.0.1]", "“[127.0.0.1]” is no domain"),
    *(
        (read_mailboxes, typed, "is not an e-mail address")
        for typed in (
            "ap@-x.example",
            "ap@x-.example",
            "ap@x_y.example",
            "ap@xn--x.example",
            "ap@XN--X.example",
            "ap@x.example.",
            "ap@192.0.2.1",
            f"{'a' * 65}@x.example",
            f"{'ü' * 33}@x.example",
            f"ap@{'b' * 64}.example",
            f"ap@{'.'.join(['b' * 60] * 5)}.example",
            "Ana <ana@-x.example>, bo@acme.example",
            '"><script>@x.example',
            "ap@acme.example, >bo@acme.example",
        )
    ),
    (read_mailboxes, "ap@acme.example bo@acme.example", "is not an e-mail address"),
    (read_mailboxes, "ap@-acme.example", "is not an e-mail address"),
    (read_mailboxes, "ap@acme-.example; bo@acme.example", "is not an e-mail address"),
    (read_mailboxes, "Ann <ap@mail.-acme.example>", "is not an e-mail address"),
]


@pytest.mark.parametrize(("reading", "typed", "why"), REFUSED)
def test_what_is_not_is_refused_with_what_to_write(
    reading: Callable[[str], str], typed: str, why: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        reading(typed)
    assert why in refused.value.reason


@pytest.mark.parametrize(
    "typed",
    [
        *("N. A.", "k.A.", "n.v.t.", "keine", "not available", "no address", "n/a, n/a"),
        *(
            "n/a\nn/a",
            "same",
            "see above",
            "0",
            "00000",
            "test",
            "XXX",
            "-",
            "Ｎ／Ａ",
            "Keine Angabe",
        ),
    ],
)
def test_what_only_stands_for_nothing_is_refused(typed: str) -> None:
    with pytest.raises(Unreadable, match="is a placeholder"):
        refuse_placeholder(typed)


@pytest.mark.parametrize(
    "typed", ["1 Road", "Same Street 0, Nantes", "n/a Ltd, 1 Road", "Testgasse 1", "10", "=1", ""]
)
def test_what_only_looks_a_little_like_it_is_taken(typed: str) -> None:
    refuse_placeholder(typed)


@given(st.emails())
def test_an_address_that_is_taken_is_one_that_mail_is_sent_to(address: str) -> None:
    assert read_mailboxes(address) == address
    assert len(mailboxes(address)) == 1


def test_every_country_has_a_name() -> None:
    assert set(Locale("en").territories) >= COUNTRIES
    assert len(COUNTRIES) == 250
