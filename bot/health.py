"""What the running program can tell of itself: its settings without secrets, Slack, mail."""

import asyncio
from collections.abc import Iterator, Sequence

from pydantic import SecretStr

from bot.mail.errors import NO_SERVER, MailError
from bot.mail.smtp import DryMailer, Mailer
from bot.settings import WHAT_TO_DO, Settings
from bot.slack.client import SlackClient, SlackError
from bot.slack.socket_mode import Socket
from handlers.wording.formatting import listing
from handlers.wording.health_text import Check, Standing, good
from models.settings import Company

PATIENCE_S = 3.0
NO_MAILER = "There is no mail server, so no bill can go out."
DRY_RUN = "It is a dry run: bills take their numbers, and nothing is mailed."
NOT_TOLD = "set, not shown"
NOT_SET = "not set"


def told_settings(settings: Settings) -> list[tuple[str, str]]:
    """Every setting by its name with what it is in force as; of what is secret only whether."""
    return [(name.upper(), _told(getattr(settings, name))) for name in Settings.model_fields]


def _told(value: object) -> str:
    if value is None or value in ("", ()):
        return NOT_SET
    if isinstance(value, SecretStr):
        return NOT_TOLD
    if isinstance(value, bool | float):
        return str(value).lower().removesuffix(".0")
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


class ProgramChecks:
    """Asks Slack and the mail server whether they would do what they are needed for."""

    def __init__(
        self,
        slack: SlackClient,
        socket: Socket | None,
        mailer: Mailer | None,
        e_invoices_of: Company | None = None,
        *,
        send_per_minute: float | None = None,
    ) -> None:
        """`e_invoices_of`: the company, where it wants e-invoices; `send_per_minute`: so many
        letters at most.
        """
        self._send_per_minute = send_per_minute
        self._slack, self._socket, self._mailer = slack, socket, mailer
        self._e_invoices_of = e_invoices_of

    async def __call__(self) -> Sequence[Check]:
        asked = await asyncio.gather(self._of_slack(), self._of_mail())
        return [*asked, *self._of_e_invoices()]

    def _of_e_invoices(self) -> Iterator[Check]:
        company = self._e_invoices_of
        if company is None:
            return
        needed = {"COMPANY_COUNTRY": company.country, "COMPANY_TAX_ID": company.tax_id}
        missing = [name for name, value in needed.items() if value is None]
        if missing:
            told = f"Every bill goes out as a PDF alone: {listing(missing)} not set."
            to_do = " ".join(f"{name}: {WHAT_TO_DO[name]}" for name in missing)
            yield Check("E-invoices", Standing.BAD, told, to_do)
        else:
            yield good("E-invoices", "Documents are e-invoices too (Factur-X), where they can be.")

    async def _of_slack(self) -> Check:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._slack.auth_test()
                connected = self._socket is None or await self._socket.is_connected()
        except (SlackError, TimeoutError) as trouble:
            code = trouble.code if isinstance(trouble, SlackError) else "no answer in time"
            told = f"Slack does not let the bot in ({code})."
            return Check("Slack", Standing.BAD, told, WHAT_TO_DO["SLACK_BOT_TOKEN"])
        if connected:
            return good("Slack", "Slack answers and knows the bot.")
        told = "Slack answers, and there is no socket: nothing that people do there arrives."
        return Check("Slack", Standing.BAD, told, WHAT_TO_DO["SLACK_APP_TOKEN"])

    async def _of_mail(self) -> Check:
        if self._mailer is None:
            return Check("Mail", Standing.BAD, NO_MAILER, f"SMTP_URL: {WHAT_TO_DO['SMTP_URL']}")
        if isinstance(self._mailer, DryMailer):
            return Check("Mail", Standing.WAIT, DRY_RUN, "Unset EMAIL_DRY_RUN to mail bills.")
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._mailer.greet()
        except (MailError, TimeoutError) as trouble:
            if isinstance(trouble, MailError):
                return Check("Mail", Standing.BAD, trouble.code, trouble.to_do)
            return Check("Mail", Standing.BAD, "No answer in time.", NO_SERVER)
        pace = self._send_per_minute
        at_most = f" At most {pace:g} letters a minute, by SEND_PER_MINUTE." if pace else ""
        return good("Mail", f"The mail server answers.{at_most}")
