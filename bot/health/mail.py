"""Whether mail can be handed in and what comes back be read, tried without a letter."""

from bot.health.probes import beside
from bot.mail.errors import MailError
from bot.mail.mailbox import Mailbox
from bot.mail.smtp import DryMailer, Mailer
from bot.what_to_do import WHAT_TO_DO
from handlers.wording.formatting import listing
from handlers.wording.health_text import Check, Standing, good
from models.settings import Company

NO_MAILER = "There is no mail server, so no bill can go out."
DRY_RUN = "It is a dry run: bills take their numbers, and nothing is mailed."


async def mail_check(mailer: Mailer | None, send_per_minute: float | None = None) -> list[Check]:
    """Go as far as the server lets in whoever has a letter. `send_per_minute`: so many at most."""
    return [await _mail(mailer, send_per_minute)]


async def _mail(mailer: Mailer | None, send_per_minute: float | None) -> Check:
    if mailer is None:
        return Check("Mail", Standing.BAD, NO_MAILER, f"SMTP_URL: {WHAT_TO_DO['SMTP_URL']}")
    if isinstance(mailer, DryMailer):
        return Check("Mail", Standing.WAIT, DRY_RUN, "Unset EMAIL_DRY_RUN to mail bills.")
    try:
        await mailer.greet()
    except MailError as trouble:
        return Check("Mail", Standing.BAD, trouble.code, trouble.to_do)
    pace = send_per_minute
    at_most = f" At most {pace:g} letters a minute, by SEND_PER_MINUTE." if pace else ""
    return good("Mail", f"The mail server answers.{at_most}")


async def mailbox_check(mailbox: Mailbox) -> list[Check]:
    """Log in and open the folder that answers to letters come to."""
    try:
        (await beside(mailbox.open)).close()
    except MailError as trouble:
        to_do = f"BOUNCES_URL: {WHAT_TO_DO['BOUNCES_URL']}"
        return [Check("Mailbox", Standing.BAD, trouble.code, to_do)]
    return [good("Mailbox", "The mailbox that replies come to can be read.")]


async def e_invoice_check(company: Company) -> list[Check]:
    """Whether the company that wants e-invoices is told of as they need it."""
    needed = {"COMPANY_COUNTRY": company.country, "COMPANY_TAX_ID": company.tax_id}
    missing = [name for name, value in needed.items() if value is None]
    if missing:
        told = f"Every bill goes out as a PDF alone: {listing(missing)} not set."
        to_do = " ".join(f"{name}: {WHAT_TO_DO[name]}" for name in missing)
        return [Check("E-invoices", Standing.BAD, told, to_do)]
    return [good("E-invoices", "Documents are e-invoices too (Factur-X), where they can be.")]
