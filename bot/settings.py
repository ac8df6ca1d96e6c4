"""Settings, from the environment or a `.env` file; each command reads only those it uses."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.mail.imap_url import MailboxAddress
from bot.mail.smtp_url import DOMAIN_NAME, MailServer
from bot.setting_values import (
    Address,
    DayOfMonth,
    EInvoices,
    Host,
    OneLine,
    Proxy,
    SlackId,
    SomeLines,
    certificates,
    folders,
    mail_server_url,
    mailbox_url,
    matching,
    one_mailbox,
    read_by,
    split,
    web_address,
    web_api,
    with_a_template,
    zone_of_a_place,
)
from bot.what_to_do import WHAT_TO_DO
from models.db.url import passwords_in, to_url
from models.late import Late
from models.mailboxes import mailboxes, read_mailboxes
from models.regions import read_country, read_locale
from models.schedule.working_hours import days_off, read_place
from models.settings import (
    AWAY_STATUSES,
    CHUNK_CUSTOMERS,
    MOST_LINK_DAYS,
    BillingSettings,
    Company,
    MonthEnd,
)
from models.slack_ids import read_channel_id, read_emojis

if TYPE_CHECKING:
    from models.db import embedded
else:
    embedded = Late("models.db.embedded")


class BadSettings(Exception):
    """Settings that are missing or wrong: a line for each, with what to do."""

    def __init__(self, faults: dict[str, str]) -> None:
        """`faults` says of each setting, by name, what is the matter with it."""
        lines = (f"{name} {fault}. {WHAT_TO_DO[name]}" for name, fault in faults.items())
        super().__init__("\n".join(lines))


class DatabaseSettings(BaseSettings):
    """What every command uses."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    database_url: SecretStr | None = None
    countersign_data: Path = Path(".countersign")

    def address(self) -> str:
        """The database's address, with its password.

        Without `DATABASE_URL` an embedded PostgreSQL is started, which stops with its last user.
        """
        if self.database_url is not None:
            return to_url(self.database_url.get_secret_value())
        try:
            return embedded.EmbeddedPostgres(self.countersign_data).url()
        except OSError as error:
            cause = (error.strerror or "does not do").lower()
            raise BadSettings({"COUNTERSIGN_DATA": f"cannot be used: {cause}"}) from None


class BooksSettings(DatabaseSettings):
    """What imports and month end use besides."""

    timezone: Annotated[ZoneInfo, AfterValidator(zone_of_a_place)] = ZoneInfo("UTC")
    hold_jump_factor: Annotated[float, Field(gt=1, allow_inf_nan=False)] | None = None
    approvals_channel: Annotated[str, read_by(read_channel_id)] | None = None
    lookback_months: Annotated[int, Field(ge=0, le=120)] = 2
    max_share_to_zero: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.1
    pull_minutes: Annotated[float, Field(gt=0, le=1440, allow_inf_nan=False)] = 60
    warehouse_files: Annotated[tuple[str, ...], NoDecode, BeforeValidator(folders)] = ()

    def billing(self) -> BillingSettings:
        """What the rules of billing depend on, as far as it is set here."""
        return BillingSettings(
            approvals_channel=self.approvals_channel,
            jump_factor=self.hold_jump_factor,
            lookback_months=self.lookback_months,
            max_share_to_zero=self.max_share_to_zero,
            pull_minutes=self.pull_minutes,
            warehouse_files=self.warehouse_files or None,
            zone=self.timezone,
        )


class Settings(BooksSettings):
    """All settings, for `serve`."""

    slack_bot_token: Annotated[SecretStr, matching("xoxb-.+")] | None = None
    slack_app_token: Annotated[SecretStr, matching("xapp-.+")] | None = None
    slack_signing_secret: SecretStr | None = None
    slack_api_url: Annotated[Address, AfterValidator(web_api)] = "https://slack.com/api/"
    command_prefix: Annotated[str, matching(r"[a-z0-9_-]{0,20}")] = ""
    finance_slack_ids: Annotated[tuple[SlackId, ...], NoDecode, BeforeValidator(split)] = ()
    public_url: Annotated[Address, AfterValidator(web_address)] | None = None
    usage_link_days: Annotated[int, Field(ge=0, le=MOST_LINK_DAYS)] = 90
    host: Annotated[str, matching(r"[\w.:-]+")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    trusted_proxies: Annotated[tuple[Proxy, ...], NoDecode, BeforeValidator(split)] = ()
    smtp_url: Annotated[SecretStr, AfterValidator(mail_server_url)] | None = None
    smtp_ca_file: Annotated[Path, AfterValidator(certificates)] | None = None
    smtp_helo_name: Annotated[str, matching(DOMAIN_NAME.pattern)] | None = None
    mail_from: Annotated[str, read_by(read_mailboxes), AfterValidator(one_mailbox)] | None = None
    email_dry_run: bool = False
    bounces_url: Annotated[SecretStr, AfterValidator(mailbox_url)] | None = None
    send_delay_minutes: Annotated[float, Field(ge=0, le=10_080, allow_inf_nan=False)] = 5
    send_per_minute: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)] = 0
    month_end_day: DayOfMonth | None = None
    holidays: Annotated[str, read_by(read_place)] | None = None
    away_statuses: Annotated[str, read_by(read_emojis)] = AWAY_STATUSES
    month_end_hour: Annotated[int, Field(ge=0, le=23)] = 9
    month_end_automatic: bool = False
    pull_hour: Annotated[int, Field(ge=0, le=23)] = 4
    company_name: OneLine | None = None
    company_address: SomeLines | None = None
    company_country: Annotated[str, read_by(read_country)] | None = None
    company_tax_id: OneLine | None = None
    payment_days: Annotated[int, Field(ge=0, le=365)] = 30
    payment_note: SomeLines | None = None
    locale: Annotated[str, read_by(read_locale)] = "en"
    invoice_templates: Annotated[Path, AfterValidator(with_a_template)] | None = None
    e_invoice: EInvoices = None
    webhook_hosts: Annotated[tuple[Host, ...], NoDecode, BeforeValidator(split)] = ()
    metrics_token: Annotated[SecretStr, matching(r"[\x21-\x7e]{16,200}")] | None = None
    worker_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def secrets(self) -> list[str]:
        """What must never be shown, beside what looks like a secret by itself."""
        named = (
            self.slack_bot_token,
            self.slack_app_token,
            self.slack_signing_secret,
            self.metrics_token,
        )
        secrets = [secret.get_secret_value() for secret in named if secret]
        servers = (self.mail_server, self.mailbox)
        secrets += [server.password or "" for server in servers if server]
        secrets += [quote(password, safe="") for password in secrets]
        if self.database_url is not None:
            secrets += passwords_in(self.database_url.get_secret_value())
        return sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def require_slack(self) -> None:
        """Refuse to go on without a way to Slack, and for Slack."""
        if missing := self.missing_for_slack():
            raise BadSettings(dict.fromkeys(missing, "is not set"))

    @property
    def mail_server(self) -> MailServer | None:
        return MailServer.parse(self.smtp_url.get_secret_value()) if self.smtp_url else None

    @property
    def mailbox(self) -> MailboxAddress | None:
        return (
            MailboxAddress.parse(self.bounces_url.get_secret_value()) if self.bounces_url else None
        )

    def billing(self, chunk_customers: int = CHUNK_CUSTOMERS) -> BillingSettings:
        """All that the rules of billing depend on."""
        return replace(
            super().billing(),
            chunk_customers=chunk_customers,
            send_delay_minutes=self.send_delay_minutes,
            can_mail=self.mail_from is not None and (self.email_dry_run or bool(self.smtp_url)),
            mail_from=self.mail_from,
            own_template=self.invoice_templates is not None,
            webhook_hosts=frozenset(self.webhook_hosts),
            month_end=self.month_end,
            pull_hour=self.pull_hour,
            days_off=days_off(self.holidays) if self.holidays else None,
            away_statuses=frozenset(self.away_statuses.split(",")),
            public_url=self.public_url,
            usage_link_days=self.usage_link_days,
            company=self.company,
        )

    @property
    def month_end(self) -> MonthEnd | None:
        """None where no day is set: months are generated by hand."""
        day, hour = self.month_end_day, self.month_end_hour
        return MonthEnd(day, hour, self.month_end_automatic) if day is not None else None

    @property
    def company(self) -> Company:
        """The company as documents show it; without a name of its own it is called as it mails."""
        called = self.company_name
        if called is None and self.mail_from:
            (sender,) = mailboxes(self.mail_from)
            called = sender.display_name or sender.addr_spec
        return Company(
            name=called or "",
            address=self.company_address,
            country=self.company_country,
            tax_id=self.company_tax_id,
            payment_days=self.payment_days,
            payment_note=self.payment_note,
            locale=self.locale,
        )

    def missing_for_slack(self) -> list[str]:
        """What is not set of a bot token, and of either way in which Slack can reach the bot."""
        needed = {"SLACK_BOT_TOKEN": self.slack_bot_token}
        if self.slack_signing_secret is None:
            needed["SLACK_APP_TOKEN"] = self.slack_app_token
        return [name for name, value in needed.items() if value is None]


S = TypeVar("S", bound=DatabaseSettings)


def read(kind: type[S]) -> S:
    """The settings of that kind; raises BadSettings, which never repeats a value."""
    try:
        return kind()
    except ValidationError as error:
        names = {str(fault["loc"][0]).upper() for fault in error.errors(include_input=False)}
        raise BadSettings(dict.fromkeys(sorted(names), "cannot be used as it is")) from None
