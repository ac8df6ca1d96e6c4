"""Whether bills can be mailed to a customer."""

from models.customers.customers import Customer, CustomerRef
from models.errors import NextStep, Step, Unreadable, WrongState
from models.mailboxes import read_mailboxes


def check_mail_addresses(customer: Customer | CustomerRef) -> None:
    """Refuses a customer without a billing address, or with what is none there or among copies."""
    billing, copies = (customer.billing_email or "").strip(), (customer.cc_emails or "").strip()
    if not billing:
        raise WrongState(
            f"{customer.name} has no billing e-mail address.",
            [NextStep(Step.IMPORT_BILLING_EMAIL, customer_id=customer.id)],
        )
    for typed in filter(None, (billing, copies)):
        try:
            read_mailboxes(typed)
        except Unreadable as unreadable:
            raise WrongState(
                f"Bills cannot be mailed to {customer.name}: {unreadable}",
                [NextStep(Step.MEND_ADDRESSES, customer_id=customer.id)],
            ) from None
