"""Numbers in addresses: whatever is not one names nothing, just as one that is not there."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

from fastapi import Path
from pydantic import BeforeValidator

from models.actions.comment import get_comment
from models.actions.uploaded_files import known_file
from models.batches.bulk_send import send_list
from models.bills.bill import get_bill
from models.customers.customers import get_customer
from models.db.columns import Session
from models.errors import NotFound
from models.people.api_tokens import get_api_token
from models.people.sessions import get_device
from models.queries.people import get_person
from models.usage.pulls import known_pull
from models.usage.sources import find_source
from models.webhooks.reading import find_delivery, find_webhook

LARGEST_ID = 2**63 - 1
_WRITTEN = re.compile(r"[1-9]\d{0,18}", re.ASCII)
NOTHING = "There is nothing under that number."


def read_id(text: str) -> int:
    """The id that an address names; refuses all else as not found."""
    if not _WRITTEN.fullmatch(text) or int(text) > LARGEST_ID:
        raise NotFound(NOTHING)
    return int(text)


PathId = Annotated[int, BeforeValidator(read_id), Path(ge=1, le=LARGEST_ID)]

Finder = Callable[[Session, int], Awaitable[object]]

FINDERS: dict[str, Finder] = {
    "bill_id": get_bill,
    "comment_id": get_comment,
    "customer_id": get_customer,
    "webhook_id": find_webhook,
    "delivery_id": find_delivery,
    "user_id": get_person,
    "device_id": get_device,
    "token_id": get_api_token,
    "list_id": send_list,
    "file_id": known_file,
    "source_id": find_source,
    "pull_id": known_pull,
}
"""What looks for a number in an address, by the name it has there; it refuses what is not there."""


async def refuse_unknown(session: Session, named: Mapping[str, str]) -> None:
    """Refuse an address that names what is not there: of a request that cannot be read, too, that
    is said first.
    """
    for name, text in named.items():
        if name in FINDERS:
            await FINDERS[name](session, read_id(text))
