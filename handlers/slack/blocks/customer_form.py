"""The dialog in which a customer is added or changed, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handlers.customer_form import CHECKS, PRORATIONS
from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Block,
    SlackMessage,
    View,
    actions,
    button,
    header,
    message,
    modal,
    opening,
    paragraph,
)
from handlers.slack.blocks.changes import CHANGED, foreseen_blocks, in_dialog
from handlers.slack.blocks.inputs import line_input, select_input, text_input
from handlers.wording.addresses import customer_address
from handlers.wording.field_text import FIELDS, HINTS
from handlers.wording.formatting import name
from handlers.wording.rich_text import Sentence, bold, fallback_text
from models.imports.foreseen import Foreseen

NOBODY = "-"
REASON = "reason"
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("name", "csm", "sales")),
    ("Terms", ("monthly_api_limit", "overage_unit_cost", "currency", "valid_from")),
    ("Contract", ("start_date", "end_date", "limit_proration")),
    (
        "Approval",
        (
            *("require_csm_approval", "require_sales_approval", "auto_approve_below"),
            *("second_approval_above", "rules_currency"),
        ),
    ),
    (
        "Invoice",
        (
            *("billing_email", "cc_emails", "billing_address", "country", "locale"),
            *("tax_id", "tax_rate_percent", "tax_note", "payment_days"),
        ),
    ),
    ("In Slack", ("slack_channel_id", "alerts_muted")),
)
FIRST = (
    *("name", "csm", "sales", "monthly_api_limit", "overage_unit_cost", "currency"),
    *("valid_from", "start_date", "billing_email"),
)
"""What is asked at first: what bills rest on, who looks after the customer, where bills go."""
LATER = "country"
"""One of the fields that are asked only where more are."""
_NEEDED = frozenset({"name", "monthly_api_limit"})
_CHOICES: dict[str, Sequence[tuple[str, str]]] = {
    "limit_proration": [(words, value) for value, words in PRORATIONS],
    **{field: [("Yes", "yes"), ("No", "no")] for field in CHECKS},
}
_MOST_OPTIONS, _LONGEST_OPTION = 99, 75
_BILLS_IN_DIALOG = 8


@dataclass(frozen=True)
class CustomerForm:
    """What the dialog shows: the fields as texts, and who may be named in those of people.

    `customer_id` None: a new one; else the `version` of the customer that was seen, and the
    `marks` of its fields. `is_whole`: every field, not those alone that are asked at first.
    """

    fields: Mapping[str, str]
    colleagues: Mapping[str, Sequence[str]]
    customer_id: int | None = None
    version: str | None = None
    marks: str | None = None
    is_whole: bool = False


def customer_form(
    form: CustomerForm,
    foreseen: Foreseen | None = None,
    *,
    has_changed: bool = False,
    trouble: str = "",
) -> View:
    """The fields, and a button for more of them; above them what saving would do, where it is to be
    seen first, or the `trouble` for which it is not saved yet. `has_changed`: it does something
    else than was agreed.
    """
    is_new = form.customer_id is None
    reason = [] if is_new else [_reason(form)]
    first = [paragraph(trouble)] if trouble else _consequences(foreseen, has_changed=has_changed)
    return modal(
        "New customer" if is_new else "Edit customer",
        [*first, *_fields(form), *reason, *_more(form)],
        callback_id=ActionId.NEW_CUSTOMER if is_new else ActionId.EDIT_CUSTOMER,
        submit="Create customer" if is_new else "Save changes" if foreseen else "Save",
        metadata=pack(
            customer=form.customer_id,
            seen=form.version,
            marks=form.marks,
            agreed=foreseen.digest if foreseen else None,
        ),
        close="Cancel",
    )


def _fields(form: CustomerForm) -> list[Block]:
    if not form.is_whole:
        asked = (one for one in FIRST if one != "valid_from" or form.customer_id is not None)
        return [_field(form, one) for one in asked]
    return [
        block
        for title, fields in GROUPS
        for block in (*([header(title)] if title else []), *(_field(form, one) for one in fields))
    ]


def _more(form: CustomerForm) -> list[Block]:
    """The way to the other fields, which say what they are."""
    if form.is_whole:
        return []
    more = button(ActionId.MORE_FIELDS, "More fields", pack())
    return [paragraph("More: contract, approval, invoice, Slack."), *actions(more)]


def _consequences(foreseen: Foreseen | None, *, has_changed: bool) -> list[Block]:
    if foreseen is None:
        return []
    return [*([paragraph(CHANGED)] if has_changed else []), *_effects(foreseen)]


def _effects(foreseen: Foreseen) -> list[Block]:
    return in_dialog(foreseen_blocks(foreseen, _BILLS_IN_DIALOG))


def _field(form: CustomerForm, field: str) -> Block:
    label, hint, value = FIELDS[field], HINTS.get(field, ""), form.fields.get(field, "")
    options = _CHOICES.get(field) or _people(form, field)
    if options:
        return select_input(field, label, options, value or options[-1][1])
    if field == "billing_address":
        return text_input(field, label, hint, optional=True, value=value)
    return line_input(field, label, hint, value, optional=field not in _NEEDED)


def _people(form: CustomerForm, field: str) -> Sequence[tuple[str, str]]:
    """Whom to choose from, `Nobody` last; nothing where they are too many, or named too long, for
    a list of Slack's.
    """
    names = form.colleagues.get(field, ())
    fit = len(names) <= _MOST_OPTIONS and all(len(one) <= _LONGEST_OPTION for one in names)
    if field not in form.colleagues or not fit:
        return []
    return [*((one, one) for one in names), ("Nobody", NOBODY)]


def _reason(form: CustomerForm) -> Block:
    value = form.fields.get(REASON, "")
    return text_input(REASON, "Reason", HINTS[REASON], optional=True, value=value)


def customer_added(customer_id: int, customer: str) -> SlackMessage:
    return _told(customer_id, [bold(name(customer)), " is a customer now."], [])


def customer_changed(customer_id: int, customer: str, foreseen: Foreseen) -> SlackMessage:
    """What was changed, and the bills that moved with it."""
    if not foreseen.total_differences:
        return _told(customer_id, [bold(name(customer)), ": nothing was changed."], [])
    return _told(customer_id, [bold(name(customer)), " is saved."], _effects(foreseen))


def _told(customer_id: int, told: Sentence, blocks: Sequence[Block]) -> SlackMessage:
    address = customer_address(customer_id)
    page = opening(button(ActionId.OPEN_PAGE, "Web page", pack()), address) if address else None
    return message(
        fallback_text(*told), [paragraph(*told), *blocks, *actions(*([page] if page else []))]
    )
