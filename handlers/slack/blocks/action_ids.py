"""What can be clicked, and what a click carries: one scheme, declared once."""

import json
import re
from enum import StrEnum
from typing import Any

from models.errors import Invalid


class ActionId(StrEnum):
    """The action ids of buttons and menus. Those of dialogs (callback ids) are among them."""

    APPROVE = "bill:approve"
    REJECT = "bill:reject"
    UNDO = "bill:undo"
    RELEASE = "bill:release"
    REVISE = "bill:revise"
    VOID = "bill:void"
    REISSUE = "bill:reissue"
    REASSIGN = "bill:reassign"
    SEND = "bill:send"
    DELIVER = "bill:deliver"
    HISTORY = "bill:history"
    INVOICE = "bill:invoice"
    MAKE_LINK = "bill:make_link"
    REVOKE_LINK = "bill:revoke_link"
    MORE = "bill:more"
    GENERATE = "run:generate"
    CANCEL = "run:cancel"
    SEND_LIST = "sending:go"
    CANCEL_LIST = "sending:cancel"
    RETRY_LIST = "sending:retry"
    REQUEST_ACCESS = "access:request"
    GRANT_ACCESS = "access:grant"
    DECLINE_ACCESS = "access:decline"
    GIVE_ROLE = "people:role"
    PEOPLE_PAGE = "people:page"
    LIST_PAGE = "list:page"
    CUSTOMERS_PAGE = "customers:page"
    CHOOSE_CUSTOMER = "customer:choose"
    NEW_CUSTOMER = "customer:new"
    EDIT_CUSTOMER = "customer:edit"
    MORE_FIELDS = "customer:more"
    SHARE_USAGE = "usage:share"
    SHARE = "answer:share"
    RECORD_USAGE = "usage:record"
    KEEP_USAGE = "usage:keep"
    IMPORT_BOOK = "book:import"
    APPLY_BOOK = "book:apply"
    ASK_SOURCE = "source:ask"
    NEW_SOURCE = "source:new"
    PULL_AGAIN = "source:pull"
    APPLY_PULL = "source:apply"
    OPEN_PAGE = "page:open"
    HOME_PAGE = "home:page"
    HOME_MONTH = "home:month"
    TICK = "home:tick"
    TICK_ALL = "home:tick_all"
    APPROVE_SELECTED = "home:approve"
    APPROVE_UNDER = "home:under"
    APPROVE_LIST = "approving:go"
    CHOOSE = "choose"


DIALOGS = (
    ActionId.REJECT,
    ActionId.UNDO,
    ActionId.RELEASE,
    ActionId.REVISE,
    ActionId.VOID,
    ActionId.REISSUE,
    ActionId.REASSIGN,
    ActionId.DELIVER,
    ActionId.CHOOSE_CUSTOMER,
    ActionId.NEW_CUSTOMER,
    ActionId.EDIT_CUSTOMER,
    ActionId.RECORD_USAGE,
    ActionId.IMPORT_BOOK,
    ActionId.APPLY_BOOK,
    ActionId.ASK_SOURCE,
    ActionId.NEW_SOURCE,
    ActionId.APPROVE_UNDER,
    ActionId.APPROVE_LIST,
)
"""Those that open a dialog, and the callback ids of these."""

POSTS = frozenset(
    {
        *(ActionId.INVOICE, ActionId.SHARE_USAGE, ActionId.SHARE, ActionId.APPROVE_SELECTED),
        ActionId.MAKE_LINK,
    }
)
"""Those that leave no trace by which the database would know a second click as the same."""

# Slack wants action ids unique in their row, so the second of a kind is "choose.2".
ANY_ACTION = re.compile(rf"^({'|'.join(map(re.escape, ActionId))})(\.\d+)?$")
ANY_DIALOG = re.compile(rf"^({'|'.join(map(re.escape, DIALOGS))})$")
OUT_OF_DATE = "That button is no longer understood. Type the command again."
_VALUE_LIMIT = 2000
_LARGEST_ID = 2**63 - 1

_FIELDS: dict[str, type] = {
    "bill": int,
    "version": int,
    "action": int,
    "run": int,
    "list": int,
    "user": int,
    "page": int,
    "period": str,
    "month_end": int,
    "first": str,
    "last": str,
    "customer": int,
    "calls": int,
    "file": int,
    "source": int,
    "book": str,
    "agreed": str,
    "seen": str,
    "marks": str,
    "command": str,
    "text": str,
    "title": str,
    "role": str,
    "see": str,
    "after": str,
    "filters": dict,
    "currency": str,
}


def action_of(action_id: str) -> ActionId:
    """Which button was clicked; refuses an id that is none of ours."""
    match = ANY_ACTION.match(action_id)
    if match is None:
        raise Invalid(OUT_OF_DATE)
    return ActionId(match[1])


def known_action(action_id: str) -> ActionId | None:
    """The same without a refusal."""
    match = ANY_ACTION.match(action_id)
    return ActionId(match[1]) if match else None


def pack(**ids: Any) -> str:
    """What a button carries, as compact JSON; fields that are None are left out.

    Unknown fields and more than 2,000 characters are a programmer's mistake: ValueError.
    """
    given = {field: value for field, value in ids.items() if value is not None}
    value = json.dumps(given, separators=(",", ":"), ensure_ascii=False)
    if not _readable(given) or len(value) > _VALUE_LIMIT:
        raise ValueError(f"a button cannot carry {sorted(ids)}")
    return value


def fits(**ids: Any) -> bool:
    """Whether `pack` would take it."""
    try:
        pack(**ids)
    except ValueError:
        return False
    return True


def unpack(value: str | None, *needed: str) -> dict[str, Any]:
    """What `pack` wrote; refuses anything else, and what lacks one of the `needed` fields."""
    try:
        ids = json.loads(value or "")
    except (ValueError, RecursionError) as broken:
        raise Invalid(OUT_OF_DATE) from broken
    if not _readable(ids) or not ids.keys() >= set(needed):
        raise Invalid(OUT_OF_DATE)
    return dict(ids)


def is_id(text: str) -> bool:
    """Whether this is a number that a row can have."""
    return re.fullmatch(r"[0-9]{1,19}", text) is not None and int(text) <= _LARGEST_ID


def _readable(ids: Any) -> bool:
    return isinstance(ids, dict) and all(_fits(field, value) for field, value in ids.items())


def _fits(field: str, value: Any) -> bool:
    kind = _FIELDS.get(field)
    if kind is None or not isinstance(value, kind) or isinstance(value, bool):
        return False
    return not isinstance(value, int) or 0 <= value <= _LARGEST_ID
