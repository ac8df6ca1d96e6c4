"""Lists of bills, and the digest that stands for many cards."""

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.slack.blocks.action_ids import ActionId, fits, pack
from handlers.slack.blocks.block_kit import (
    Block,
    Element,
    SlackMessage,
    actions,
    button,
    confirm,
    context,
    header,
    message,
    paragraph,
    sentence_message,
    table,
)
from handlers.wording.bill_text import amount, listed, month_of, state_of
from handlers.wording.formatting import (
    bill_count,
    by_currency,
    money,
    name,
    number,
    period_name,
    sentence,
    slash,
    totals,
)
from handlers.wording.rich_text import code, fallback_text
from models.batches.approval_offers import ApprovalOffer
from models.queries.bill_list import BillLine, Page
from models.queries.digest import Digest

HEAD = ("Bill", "Customer", "Month", "Amount", "State")
MONTHS_SHOWN, MONTHS_CHARTED = 60, 24


def bill_table(shown: Sequence[BillLine]) -> Block:
    rows = [
        [f"#{one.id}", name(one.customer), month_of(one), amount(one), state_of(one)]
        for one in shown
    ]
    return table(HEAD, rows, right=[3], whole=[0])


def bill_list(page: Page, title: str, filters: Mapping[str, Any]) -> SlackMessage:
    """A page of bills, with the count and the totals of the whole list where it is counted.

    The button carries `filters`, `title` and where the next page begins.
    """
    if not page.lines:
        hint = (" For all bills type ", code(slash("bill list")), ".") if filters else ()
        return sentence_message(f"{title}: none.", *hint)
    told = sentence(listed(page))
    following = {"after": page.after, "title": title, "filters": dict(filters)}
    more = page.after is not None and fits(**following)
    return message(
        fallback_text(f"{title}: {told}"),
        [
            header(title),
            paragraph(told),
            bill_table(page.lines),
            context(f"To see one with its buttons, type {slash('bill show')} and its number."),
            *(actions(button(ActionId.LIST_PAGE, "Next page", pack(**following))) if more else []),
        ],
    )


def digest_message(digest: Digest, offers: Sequence[ApprovalOffer] = ()) -> SlackMessage:
    """One message instead of many cards, when one approver gets more than ten bills at once.

    The buttons approve what it `offers`, as it is shown here.
    """
    if not digest.waiting:
        return sentence_message(
            f"All {number(digest.listed)} are decided: none of these bills waits for you now."
        )
    shown = digest.biggest
    which = f"{number(len(shown))}{by_currency(one.currency for one in shown)}"
    month = f" of {period_name(digest.period)}" if digest.period else ""
    verb = "waits" if digest.waiting == 1 else "wait"
    are_left = digest.waiting < digest.listed
    decided = f" Of {number(digest.listed)}, the others are decided." if are_left else ""
    title = f"{bill_count(digest.waiting)}{month} {verb} for you"
    told = f"{totals(digest.totals)}.{decided}"
    return message(
        fallback_text(f"{title}: {told}"),
        [
            header(title),
            paragraph(told, f" The biggest {which}:" if len(shown) > 1 else ""),
            bill_table(shown),
            *actions(*map(_approve_all, offers)),
            paragraph(
                "Each stands on Countersign’s Home tab with its buttons; for a list of all type ",
                code(slash("bill list mine")),
                ".",
            ),
        ],
    )


def _approve_all(offer: ApprovalOffer) -> Element:
    under, count = money(offer.under, offer.currency), bill_count(offer.bills)
    sure = confirm(
        f"Approve {count}?",
        f"Those under {under}, which come to {money(offer.amount, offer.currency)}. What has"
        " changed since this was shown is left out and named.",
        "Approve",
    )
    words = f"Approve all under {under}"
    return button(ActionId.APPROVE_LIST, words, pack(list=offer.list_id), ask=sure)
