"""Settings that say how bills go out: what is taken, what is refused, and what is never shown."""

from zoneinfo import ZoneInfo

import pytest

from bot.settings import BadSettings, BooksSettings, DatabaseSettings, Settings, read
from bot.what_to_do import WHAT_TO_DO
from bot.worker.deliver_bills import mailer_of
from models.settings import BillingSettings, Company, MonthEnd

MAIL = {
    "SMTP_URL": "smtp://clerk:hush%21hush@mail.example:587?starttls=1",
    "MAIL_FROM": "Meridian Billing <billing@meridian.example>",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is set, neither in the environment nor in a file."""
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    for name in WHAT_TO_DO:
        monkeypatch.delenv(name, raising=False)


def given(monkeypatch: pytest.MonkeyPatch, **settings: str) -> Settings:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return read(Settings)


def test_every_setting_says_what_to_do_when_it_is_wrong() -> None:
    assert {name.upper() for name in Settings.model_fields} == set(WHAT_TO_DO)


def test_without_settings_bills_can_be_approved_but_not_mailed() -> None:
    settings = read(Settings)
    assert settings.billing() == BillingSettings(can_mail=False)
    assert mailer_of(settings) is None


def test_what_the_rules_need_comes_from_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(
        monkeypatch,
        **MAIL,
        APPROVALS_CHANNEL="C1",
        HOLD_JUMP_FACTOR="4",
        LOOKBACK_MONTHS="0",
        SEND_DELAY_MINUTES="0.5",
        TIMEZONE="Asia/Tokyo",
    )
    tokyo = ZoneInfo("Asia/Tokyo")
    assert settings.billing(7) == BillingSettings(
        approvals_channel="C1",
        jump_factor=4,
        chunk_customers=7,
        lookback_months=0,
        company=Company("Meridian Billing"),
        send_delay_minutes=0.5,
        zone=tokyo,
        can_mail=True,
        mail_from=MAIL["MAIL_FROM"],
    )
    books = read(BooksSettings).billing()
    assert (books.approvals_channel, books.jump_factor) == ("C1", 4)
    assert (books.lookback_months, books.zone) == (0, tokyo)


@pytest.mark.parametrize(
    ("given_as", "rule"),
    [
        ({"MONTH_END_DAY": "3", "MONTH_END_AUTOMATIC": "yes"}, MonthEnd(3, 9, automatic=True)),
        ({"MONTH_END_DAY": " Last ", "MONTH_END_HOUR": "0"}, MonthEnd(31, 0)),
        ({"MONTH_END_AUTOMATIC": "1", "MONTH_END_HOUR": "7"}, None),
    ],
)
def test_months_end_by_themselves_only_where_a_day_is_set(
    given_as: dict[str, str], rule: MonthEnd | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert given(monkeypatch, **given_as).billing().month_end == rule


@pytest.mark.parametrize("missing", MAIL)
def test_mail_takes_a_server_and_a_sender(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(monkeypatch, **MAIL | {missing: ""})
    assert not settings.billing().can_mail
    assert mailer_of(settings) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "mail.example"),
        ("SMTP_URL", "smtp://clerk:hush@mail.example:port"),
        ("SMTP_URL", "smtp://clerk:hush@mail.example?startls=1"),
        ("SMTP_CA_FILE", "/hush.pem"),
        ("SMTP_CA_FILE", __file__),
        ("SMTP_HELO_NAME", "hush"),
        ("SMTP_HELO_NAME", "hüsh.example"),
        ("SMTP_HELO_NAME", "hush.example\nMAIL"),
        ("MAIL_FROM", "hush"),
        ("MAIL_FROM", "hush@a.example, hush@b.example"),
        ("MAIL_FROM", "hüsh@a.example"),
        ("MAIL_FROM", "hush@a.example\nBcc: hush@b.example"),
        ("SEND_DELAY_MINUTES", "-1"),
        ("SEND_DELAY_MINUTES", "hush"),
        ("SEND_DELAY_MINUTES", "nan"),
        ("SEND_DELAY_MINUTES", "10081"),
        ("SEND_PER_MINUTE", "-1"),
        ("SEND_PER_MINUTE", "inf"),
        ("HOLIDAYS", "Bavaria"),
        ("HOLIDAYS", "DE-XX"),
        ("AWAY_STATUSES", "palm_tree,:hush!:"),
        ("MONTH_END_DAY", "0"),
        ("MONTH_END_DAY", "32"),
        ("MONTH_END_DAY", "hush"),
        ("MONTH_END_HOUR", "24"),
        ("MONTH_END_HOUR", "9:30"),
        ("MONTH_END_AUTOMATIC", "hush"),
        ("LOOKBACK_MONTHS", "-1"),
        ("LOOKBACK_MONTHS", "1.5"),
        ("LOOKBACK_MONTHS", "121"),
        ("COMPANY_COUNTRY", "XX"),
        ("COMPANY_COUNTRY", "hush"),
        ("COMPANY_COUNTRY", "UK"),
        ("COMPANY_COUNTRY", "EU"),
        ("COMPANY_ADDRESS", "n/a"),
        ("COMPANY_NAME", "-"),
        ("APPROVALS_CHANNEL", "#hush"),
        ("APPROVALS_CHANNEL", "UHUSH"),
        ("FINANCE_SLACK_IDS", "@hush"),
        ("FINANCE_SLACK_IDS", "U012AB3CD, hush@a.example"),
        ("LOCALE", "deutsch"),
        ("TIMEZONE", "Zurich"),
        ("TIMEZONE", "EST"),
        ("TIMEZONE", "Etc/GMT+1"),
        ("PUBLIC_URL", "bills.example"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://clerk:hush@bills.example"),
        ("PUBLIC_URL", "https://bills.example:hush"),
        ("PUBLIC_URL", "https://bills.example/?token=hush"),
        ("HOST", "http://0.0.0.0"),
        ("COMMAND_PREFIX", "/hush-"),
        ("HOLD_JUMP_FACTOR", "1"),
        ("SMTP_URL", "smtp://clerk@hush.example"),
        ("MAIL_FROM", "hush@hush"),
        ("COMPANY_NAME", "hush\nhush"),
        ("COMPANY_TAX_ID", "hush" * 100),
        ("PAYMENT_DAYS", "-1"),
        ("PAYMENT_DAYS", "366"),
        ("PAYMENT_NOTE", "hush" * 300),
        ("E_INVOICE", "hush"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do_and_never_shown(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadSettings) as caught:
        given(monkeypatch, **{name: value})
    (line,) = str(caught.value).splitlines()
    assert line == f"{name} cannot be used as it is. {WHAT_TO_DO[name]}"
    assert "hush" not in line


@pytest.mark.parametrize("typed", ["factur-x", "Factur-X", "ZUGFeRD", "1", "yes"])
def test_e_invoices_are_wanted_by_their_name_or_by_a_yes(
    typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert given(monkeypatch, E_INVOICE=typed).e_invoice == "factur-x"
    assert given(monkeypatch, E_INVOICE="no").e_invoice is None


def test_e_invoices_take_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.setting_values.find_spec", lambda name: None)
    assert read(Settings).e_invoice is None
    with pytest.raises(BadSettings, match=r"install countersign\[e-invoice\]"):
        given(monkeypatch, E_INVOICE="factur-x")


def test_an_id_is_found_in_what_people_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(
        monkeypatch,
        APPROVALS_CHANNEL="https://meridian.slack.com/archives/C012AB3CD",
        FINANCE_SLACK_IDS="https://meridian.slack.com/team/U012AB3CD, U034EF5GH",
        COMPANY_COUNTRY="ch",
        LOCALE="de-CH",
        PUBLIC_URL="https://bills.example:8443/countersign/",
    )
    assert settings.approvals_channel == "C012AB3CD"
    assert settings.finance_slack_ids == ("U012AB3CD", "U034EF5GH")
    assert (settings.company_country, settings.locale) == ("CH", "de_CH")
    assert settings.public_url == "https://bills.example:8443/countersign"


def test_other_commands_do_not_mind_a_wrong_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_URL", "nonsense")
    assert read(BooksSettings).lookback_months == 2
    assert read(DatabaseSettings).database_url is None


def test_the_mail_servers_password_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(monkeypatch, **MAIL)
    assert "hush!hush" in settings.secrets()
    assert "hush" not in repr(settings)
    assert "hush" not in repr(settings.mail_server)


def test_the_company_is_called_as_set_or_else_as_it_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, **MAIL).company.name == "Meridian Billing"
    assert given(monkeypatch, MAIL_FROM="b@m.example").company.name == "b@m.example"
    settings = given(
        monkeypatch,
        COMPANY_NAME="Meridian API AG",
        COMPANY_ADDRESS="5 Bay Road\n8001 Zürich",
        COMPANY_COUNTRY="CH",
        COMPANY_TAX_ID="CHE-1",
        PAYMENT_DAYS="0",
        PAYMENT_NOTE="IBAN CH93",
    )
    assert settings.company == Company(
        "Meridian API AG", "5 Bay Road\n8001 Zürich", "CH", "CHE-1", 0, "IBAN CH93"
    )


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://slack.com", "https://slack.com/api/"),
        ("https://slack.com/", "https://slack.com/api/"),
        ("https://slack.com/api", "https://slack.com/api/"),
        ("https://slack.com/api/", "https://slack.com/api/"),
        ("http://localhost:3000", "http://localhost:3000/api/"),
        ("https://proxy.example.com/slack", "https://proxy.example.com/slack/"),
    ],
)
def test_slacks_address_is_that_of_its_web_api(
    given: str, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_API_URL", given)
    assert read(Settings).slack_api_url == used


@pytest.mark.parametrize("given", ["slack.com/api/", "https://", "https:///api/", "https://a/?b=1"])
def test_what_is_no_address_of_a_web_api_is_refused(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_API_URL", given)
    with pytest.raises(BadSettings, match="SLACK_API_URL cannot be used as it is"):
        read(Settings)
