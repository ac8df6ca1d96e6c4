"""The dialog about the link by which a customer sees what is behind a document."""

from datetime import datetime

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Element,
    View,
    actions,
    button,
    confirm,
    modal,
    paragraph,
)
from handlers.wording.bill_text import short_title
from handlers.wording.formatting import day
from handlers.wording.link_text import (
    REVOKING,
    TOLD_ONCE,
    WHAT_IT_SHOWS,
    link_standing,
    revoked_text,
)
from handlers.wording.rich_text import code
from models.bills.usage_links import NO_ADDRESS, NewLink
from models.queries.bill_details import BillDetails

TITLE = "Customer's link"


def customers_link(facts: BillDetails, until: datetime | None, *, can_make: bool = True) -> View:
    """Whether there is one that leads anywhere, and the buttons that make and revoke it."""
    buttons = [*([_make(facts)] if can_make else []), *([_revoke(facts)] if until else [])]
    return modal(
        TITLE,
        [
            paragraph(short_title(facts)),
            paragraph(*link_standing(until)),
            paragraph(WHAT_IT_SHOWS if can_make else NO_ADDRESS),
            *actions(*buttons),
        ],
    )


def link_made(facts: BillDetails, link: NewLink) -> View:
    """The address, which is shown here alone."""
    told = f"{short_title(facts)}. It leads there until {day(link.last_day)}. {TOLD_ONCE}"
    return modal(TITLE, [paragraph(told), paragraph(code(link.address))])


def links_revoked(facts: BillDetails, count: int) -> View:
    return modal(TITLE, [paragraph(f"{short_title(facts)}. {revoked_text(count)}")])


def _make(facts: BillDetails) -> Element:
    label = f"Make a link to what is behind #{facts.id}"
    return button(ActionId.MAKE_LINK, "Make a link", pack(bill=facts.id), label=label)


def _revoke(facts: BillDetails) -> Element:
    ask = confirm("Revoke the link?", REVOKING, "Revoke")
    return button(
        ActionId.REVOKE_LINK,
        "Revoke",
        pack(bill=facts.id),
        "danger",
        ask=ask,
        label=f"Revoke the links to what is behind #{facts.id}",
    )
