"""Whether bills can be mailed to a customer."""

from models.customers.customers import Customer, CustomerRef
from models.errors import NextStep, Step, Unreadable, WrongState
from models.mailboxes import mailboxes, read_mailboxes


def check_mail_addresses(customer: Customer | CustomerRef) -> None:
    """Refuses a customer without a billing address, or with what is none there or among copies."""
    billing, copies = (customer.billing_email or "").strip(), (customer.cc_emails or "").strip()
    if not billing:
        raise WrongState(
            f"{customer.name} has no billing e-mail address.",
            [NextStep(Step.IMPORT_BILLING_EMAIL)],
        )
    try:
        read_addresses(billing, copies)
    except Unreadable as unreadable:
        raise WrongState(
            f"Bills cannot be mailed to {customer.name}: {unreadable}",
            [NextStep(Step.MEND_ADDRESSES)],
        ) from None


def read_addresses(*texts: str | None) -> None:
    """Raises Unreadable of what is none, as bills would be mailed to these."""
    for typed in texts:
        if typed and typed.strip():
            read_mailboxes(typed.strip())


def copies_alone(customer: Customer | CustomerRef) -> list[str]:
    """The bare addresses that are copied in, and to which no bill is addressed."""
    billing = {one.casefold() for one in _bare(customer.billing_email)}
    return [one for one in _bare(customer.cc_emails) if one.casefold() not in billing]


def _bare(typed: str | None) -> list[str]:
    try:
        return [one.addr_spec for one in mailboxes(typed or "")]
    except ValueError:
        return []
