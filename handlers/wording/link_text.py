"""What Finance is told of the link by which a customer sees what is behind a document."""

from datetime import datetime, timedelta

from handlers.wording.rich_text import Sentence

WHAT_IT_SHOWS = (
    "It shows what the document says and how that came about, and takes questions, which become "
    "comments on the bill. Whoever has it gets in, without an account."
)
TOLD_ONCE = "Pass it on to the customer alone. It is shown here only, and never again."
REVOKING = "No link to this bill leads anywhere then, in its document neither."
REVOKED = "No link to this bill leads anywhere now, that in its document neither."


def link_standing(until: datetime | None) -> Sentence:
    """Whether the customer gets in, and for how long, as the last minute of it."""
    if until is None:
        return ("No link lets the customer see what is behind the document.",)
    last = until - timedelta(seconds=1)
    return ("The customer can see what is behind the document by a link, until ", last, ".")


def revoked_text(count: int) -> str:
    return REVOKED if count else "There was no link that leads anywhere."
