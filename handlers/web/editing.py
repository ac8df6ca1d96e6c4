"""Customers added and changed, and the usage of a month."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from handlers.customer_form import (
    CHECKS,
    NEW,
    PRORATIONS,
    TERMS,
    TEXTS,
    changed_fields,
    colleagues,
    fields_changed,
    read_back,
    shown_fields,
    typed_over,
    written_down,
)
from handlers.http.faults import MAYBE_MONTH
from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.web.confirming import Confirmation, confirmed
from handlers.web.forms import Form, Typed, shown_again
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording.customer_text import (
    NOT_SAVED,
    changed_meanwhile,
    unpriced_text,
    used_meanwhile,
)
from handlers.wording.field_text import FIELDS, HINTS
from handlers.wording.formatting import counted, name
from models.actions.edit_customer import create_customer, edit_customer
from models.actions.keep_books import BookChange, record_month
from models.currencies import MINOR_UNITS
from models.customers.customers import customer_version, get_customer
from models.customers.edits import CustomerChanged, changed_since
from models.db.columns import MOST_CALLS
from models.errors import Invalid, NotFound, Refusal, Unreadable
from models.numerals import read_whole
from models.people.permissions import Permission
from models.period import Period
from models.queries.customer_details import unpriced_months
from models.usage.usage import usage_months

router = APIRouter(route_class=PageRoute)

TermsMonth = Annotated[str, Query(pattern=MAYBE_MONTH)]


@router.get("/customers/new")
@open_to(Permission.KEEP_BOOKS)
async def new_customer(context: Asking) -> Response:
    return await _new_page(context, Form())


@router.post("/customers/new")
@open_to(Permission.KEEP_BOOKS)
async def add_customer(context: Asking, typed: Typed) -> Response:
    fields = _given(typed)
    async with shown_again(context, typed, _new_page):
        customer, _ = await create_customer(context.session, fields, context)
    return see(
        context.request, f"/customers/{customer.id}", f"{name(customer.name)} is a customer now."
    )


async def _new_page(context: HttpContext, form: Form) -> Response:
    return await _form_page(context, form, NEW, "New customer", "/customers/new", "/customers")


@router.get("/customers/{customer_id}/edit")
@open_to(Permission.KEEP_BOOKS)
async def edit(context: Asking, customer_id: PathId, month: TermsMonth = "") -> Response:
    """The form; of a `month`, as a bill of it asks, with the terms of that month."""
    return await _edit_page(customer_id, month, context, Form())


@router.post("/customers/{customer_id}/edit")
@open_to(Permission.KEEP_BOOKS)
async def change_customer(
    context: Asking, customer_id: PathId, typed: Typed, month: TermsMonth = ""
) -> Response:
    """Save what differs from what was shown; where bills would move, ask first."""
    customer = await get_customer(context.session, customer_id)
    shown = await shown_fields(context.session, customer, _terms_month(month))
    fields = changed_fields(_given(typed), shown)
    address = f"/customers/{customer_id}"
    action = _edit_address(customer_id, month)
    question = Confirmation(f"Change {name(customer.name)}?", action, address, "Save changes")

    async def change() -> BookChange:
        version = typed.get("version")
        _, done = await edit_customer(
            context.session, customer_id, fields, context, version, typed.get("reason")
        )
        return done

    async with shown_again(context, typed, partial(_edit_page, customer_id, month)):
        asked = await confirmed(context, typed, question, change)
    if asked:
        return asked
    is_same = await customer_version(context.session, customer_id) == shown["version"]
    told = "Nothing was changed." if is_same else "Saved."
    unpriced = await unpriced_months(context.session, customer_id) if fields.keys() & TERMS else []
    left = f" {unpriced_text(unpriced)}" if unpriced else ""
    return see(context.request, address, f"{told}{left}")


def _edit_address(customer_id: int, month: str) -> str:
    return f"/customers/{customer_id}/edit{f'?month={month}' if month else ''}"


def _terms_month(month: str) -> Period | None:
    return _month(month) if month else None


async def _edit_page(customer_id: int, month: str, context: HttpContext, form: Form) -> Response:
    customer = await get_customer(context.session, customer_id)
    shown = await shown_fields(context.session, customer, _terms_month(month))
    form = await _caught_up(context, customer_id, form, shown)
    shown |= {"valid_from": month} if month else {}
    action, back = _edit_address(customer_id, month), f"/customers/{customer_id}"
    return await _form_page(context, form, shown, f"Edit {name(customer.name)}", action, back)


async def _caught_up(
    context: HttpContext, customer_id: int, form: Form, shown: Mapping[str, str]
) -> Form:
    """Where somebody else was faster: who, what they changed, and the form for what stands now."""
    if form.typed is None or form.typed.get("version", shown["version"]) == shown["version"]:
        return form
    seen = read_back(form.value("seen"))
    given = typed_over(_given(form.typed), seen, shown)
    ticked = {field: "yes" for field in CHECKS if given[field] == "yes"}
    now = {"version": shown["version"], "seen": written_down(shown)}
    typed = {name: text for name, text in form.typed.items() if name not in CHECKS}
    changed = await changed_since(context.session, customer_id, form.value("version"))
    changed = CustomerChanged(changed.by, fields_changed(seen, shown) or changed.changes)
    texts = {field: text for field, text in given.items() if field not in CHECKS}
    return Form(typed | texts | ticked | now, trouble=changed_meanwhile(changed, NOT_SAVED))


async def _form_page(
    context: HttpContext,
    form: Form,
    shown: Mapping[str, str],
    title: str,
    action: str,
    back: str,
) -> Response:
    names = await colleagues(context.session, shown)
    return page(
        context.request,
        "customer_form.html.jinja",
        form=form,
        shown=shown,
        seen=written_down(shown),
        title=title,
        action=action,
        back=back,
        words=FIELDS,
        hints=HINTS,
        prorations=PRORATIONS,
        csms=_choices(names["csm"]),
        sales=_choices(names["sales"]),
        currencies=_currencies(form),
    )


def _currencies(form: Form) -> list[tuple[str, str]]:
    """All there are, and what was typed instead of one, to be shown as it was refused."""
    typed = {form.value("currency"), form.value("rules_currency")} - {""}
    return [(code, code) for code in sorted(typed.union(MINOR_UNITS))]


def _choices(names: Sequence[str]) -> list[tuple[str, str]]:
    return [("", "Nobody"), *((one, one) for one in names)]


def _given(typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed, as a file would have it: a box that is not ticked says no."""
    lines = {field: typed.get(field, "").replace("\r\n", "\n").strip() for field in TEXTS}
    checks = {field: "yes" if field in typed else "no" for field in CHECKS}
    month = typed.get("valid_from", "").strip()
    return lines | checks | ({"valid_from": month} if month else {})


@router.get("/customers/{customer_id}/usage/{period}")
@open_to(Permission.KEEP_BOOKS)
async def usage_of_month(context: Asking, customer_id: PathId, period: str) -> Response:
    await get_customer(context.session, customer_id)
    return await _usage_page(customer_id, _month(period), context, Form())


@router.post("/customers/{customer_id}/usage/{period}")
@open_to(Permission.KEEP_BOOKS)
async def change_usage(context: Asking, customer_id: PathId, period: str, typed: Typed) -> Response:
    """Record a month's calls; where bills would move, ask first."""
    customer, month = await get_customer(context.session, customer_id), _month(period)
    address = f"/customers/{customer_id}"
    title = f"Record other usage of {name(customer.name)} for {month.in_words}?"
    question = Confirmation(title, f"{address}/usage/{month}", address, "Record usage")

    async def change() -> BookChange:
        calls = _calls(typed.get("api_usage", ""))
        why, seen = typed.get("reason"), typed.get("seen")
        return await record_month(
            context.session, customer_id, month, calls, context, reason=why, seen=seen
        )

    async with shown_again(context, typed, partial(_usage_page, customer_id, month)):
        asked = await confirmed(context, typed, question, change)
    told = f"{month.in_words} is recorded: {counted(_calls(typed['api_usage']), 'call')}."
    return asked or see(context.request, address, told)


def _calls(typed: str) -> int:
    try:
        return read_whole(typed.strip(), MOST_CALLS)
    except Unreadable as refused:
        raise Invalid(refused.sentence, "api_usage") from None


async def _usage_page(
    customer_id: int, month: Period, context: HttpContext, form: Form
) -> Response:
    customer = await get_customer(context.session, customer_id)
    [used] = await usage_months(context.session, customer_id, month, month)
    recorded = "" if used.calls is None else str(used.calls)
    if form.typed is not None and form.typed.get("seen", recorded) != recorded:
        form = Form({**form.typed, "seen": recorded}, form.errors, used_meanwhile(used.calls))
    return page(
        context.request,
        "usage_form.html.jinja",
        form=form,
        customer=customer,
        used=used,
        action=f"/customers/{customer_id}/usage/{month}",
        back=f"/customers/{customer_id}",
    )


def _month(text: str) -> Period:
    try:
        return Period.parse(text)
    except Refusal:
        raise NotFound("There is no such month.") from None
