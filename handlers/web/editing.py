"""Customers added and changed, and the usage of a month."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import APIRouter, Response

from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.web.confirming import Question, confirmed
from handlers.web.forms import Form, Typed, shown_again
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording.field_text import FIELDS
from handlers.wording.formatting import counted, name
from models.actions.edit_customer import create_customer, edit_customer
from models.actions.keep_books import BookChange, record_month
from models.currencies import MINOR_UNITS
from models.customers.customers import Customer, customer_version, get_customer
from models.db.columns import MOST_CALLS
from models.errors import Invalid, NotFound, Refusal, Unreadable
from models.numerals import read_whole
from models.people.permissions import Permission, Role
from models.people.users import find_person, users_with_role
from models.period import Period
from models.usage.usage import usage_months

router = APIRouter(route_class=PageRoute)

CHECKS = ("require_csm_approval", "require_sales_approval")
TERMS = ("currency", "monthly_api_limit", "overage_unit_cost")
TEXTS = (
    *("name", "csm", "sales", "billing_address", "billing_email", "cc_emails", "country"),
    *("tax_id", "tax_rate_percent", "tax_note", "locale", "payment_days", *TERMS),
    *("start_date", "end_date", "limit_proration", "auto_approve_below"),
    *("second_approval_above", "rules_currency", "slack_channel_id"),
)


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
    start = {"currency": "USD", "limit_proration": "full"}
    return await _form_page(context, form, start, "New customer", "/customers/new", "/customers")


@router.get("/customers/{customer_id}/edit")
@open_to(Permission.KEEP_BOOKS)
async def edit(context: Asking, customer_id: PathId) -> Response:
    return await _edit_page(customer_id, context, Form())


@router.post("/customers/{customer_id}/edit")
@open_to(Permission.KEEP_BOOKS)
async def change_customer(context: Asking, customer_id: PathId, typed: Typed) -> Response:
    """Save what differs from what was shown; where bills would move, ask first."""
    customer = await get_customer(context.session, customer_id)
    shown = await _shown(context, customer)
    given = _given(typed)
    fields = _changed(given, shown)
    address = f"/customers/{customer_id}"
    question = Question(
        f"Change {name(customer.name)}?", f"{address}/edit", address, "Save changes"
    )

    async def change() -> BookChange:
        version = typed.get("version")
        _, done = await edit_customer(
            context.session, customer_id, fields, context, version, typed.get("reason")
        )
        return done

    async with shown_again(context, typed, partial(_edit_page, customer_id)):
        asked = await confirmed(context, typed, question, change)
    is_same = await customer_version(context.session, customer_id) == shown["version"]
    return asked or see(context.request, address, "Nothing was changed." if is_same else "Saved.")


def _changed(given: Mapping[str, str], shown: Mapping[str, str]) -> dict[str, str]:
    """What differs from what was shown; terms together, and as they stand where a month is given.

    Those shown are today's, and may be others than those of that month.
    """
    other = {field for field, text in given.items() if text != shown.get(field, "")}
    terms = {"valid_from", *TERMS}
    kept = other | terms if other & terms else other
    return {field: text for field, text in given.items() if field in kept}


async def _edit_page(customer_id: int, context: HttpContext, form: Form) -> Response:
    customer = await get_customer(context.session, customer_id)
    address = f"/customers/{customer_id}"
    shown = await _shown(context, customer)
    return await _form_page(
        context, form, shown, f"Edit {name(customer.name)}", f"{address}/edit", address
    )


async def _form_page(
    context: HttpContext,
    form: Form,
    shown: Mapping[str, str],
    title: str,
    action: str,
    back: str,
) -> Response:
    people = {role: await users_with_role(context.session, role) for role in (Role.CSM, Role.SALES)}
    return page(
        context.request,
        "customer_form.html.jinja",
        form=form,
        shown=shown,
        title=title,
        action=action,
        back=back,
        words=FIELDS,
        csms=_choices(people[Role.CSM], shown.get("csm", "")),
        sales=_choices(people[Role.SALES], shown.get("sales", "")),
        currencies=_currencies(form),
    )


def _currencies(form: Form) -> list[tuple[str, str]]:
    """All there are, and what was typed instead of one, to be shown as it was refused."""
    typed = {form.value("currency"), form.value("rules_currency")} - {""}
    return [(code, code) for code in sorted(typed.union(MINOR_UNITS))]


def _choices(people: Any, now: str) -> list[tuple[str, str]]:
    """Whoever has the role, and who it is already."""
    names = [person.name for person in people]
    names += [now] if now and now not in names else []
    return [("", "Nobody"), *((one, one) for one in names)]


async def _shown(context: HttpContext, customer: Customer) -> dict[str, str]:
    """The fields as texts, as the form has them."""
    told = {field: getattr(customer, field, None) for field in (*TEXTS, *CHECKS)}
    for field in ("csm", "sales"):
        user_id = getattr(customer, f"{field}_id")
        person = user_id and await find_person(context.session, user_id)
        told[field] = person.name if person else ""
    texts = {field: _text(value) for field, value in told.items()}
    return texts | {"version": await customer_version(context.session, customer.id)}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


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
    question = Question(title, f"{address}/usage/{month}", address, "Record usage")

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
