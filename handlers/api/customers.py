"""Customers: the list, one with its terms, adding and changing one."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from handlers.api.customer_answers import (
    CustomerEdits,
    CustomerFields,
    CustomersAnswer,
    NewCustomer,
    WholeCustomer,
    customer_answer,
    whole_customer,
)
from handlers.api.fields import Asked
from handlers.api.if_match import ANY, IfMatch, etag, named
from handlers.http.csv_files import AS_CSV, csv_book
from handlers.http.gate import ApiRoute, Asking, HttpContext, open_to
from handlers.http.ids import LARGEST_ID, PathId
from models.actions.edit_customer import create_customer, edit_customer
from models.customers.customers import customer_version, get_customer
from models.customers.edits import changed_since
from models.customers.terms import terms_history
from models.errors import Invalid
from models.exports.formats import Table
from models.people.permissions import Permission
from models.people.users import find_person
from models.queries.customer_records import (
    RecordFilter,
    customer_ids,
    customer_record,
    customer_records,
)
from models.queries.scope import Scope

router = APIRouter(route_class=ApiRoute)
PAGE_CUSTOMERS, LARGEST_PAGE = 50, 200


class CustomerSelection(Asked):
    """Which customers are asked for: those that fit all that is given."""

    name: str = Field("", max_length=300, description="How a name that it has or had begins")
    csm_id: int | None = Field(None, ge=1, le=LARGEST_ID)

    @property
    def filter(self) -> RecordFilter:
        return RecordFilter(self.name, self.csm_id)


class CustomerQuery(CustomerSelection):
    cursor: str | None = Field(
        None, pattern=r"^[1-9]\d{0,17}$", description="`next_cursor` of the page before"
    )
    limit: int = Field(PAGE_CUSTOMERS, ge=1, le=LARGEST_PAGE)


@router.get("/customers")
@open_to(Permission.SEE)
async def find_customers(
    context: Asking, asked: Annotated[CustomerQuery, Query()]
) -> CustomersAnswer:
    """The customers that fit all that is given, by id."""
    found = await customer_records(
        context.session, asked.filter, int(asked.cursor or 0), asked.limit + 1
    )
    shown = found[: asked.limit]
    more = str(shown[-1].customer.id) if len(found) > asked.limit else None
    return CustomersAnswer(customers=[customer_answer(one) for one in shown], next_cursor=more)


@router.get("/customers.csv", response_class=StreamingResponse, responses=AS_CSV)
@open_to(Permission.SEE)
async def customers_as_csv(
    context: Asking, asked: Annotated[CustomerSelection, Query()]
) -> StreamingResponse:
    """The same as CSV, which an import reads back unchanged."""
    ids = await customer_ids(context.session, asked.filter) if asked.model_fields_set else None
    return await csv_book(context, Table.CUSTOMERS, Scope(customer_ids=ids))


@router.get("/customers/{customer_id}")
@open_to(Permission.SEE)
async def show_customer(context: Asking, customer_id: PathId, response: Response) -> WholeCustomer:
    """A customer with all its terms. The ETag is its version."""
    return await _answer(context, customer_id, response)


@router.post("/customers", status_code=201)
@open_to(Permission.KEEP_BOOKS)
async def add_customer(context: Asking, asked: NewCustomer, response: Response) -> WholeCustomer:
    """Add a customer."""
    fields = await _fields(context, asked)
    customer, _ = await create_customer(context.session, fields, context)
    response.headers["Location"] = f"/api/customers/{customer.id}"
    return await _answer(context, customer.id, response)


@router.patch("/customers/{customer_id}")
@open_to(Permission.KEEP_BOOKS)
async def change_customer(
    context: Asking,
    customer_id: PathId,
    asked: CustomerEdits,
    response: Response,
    if_match: IfMatch = None,
) -> WholeCustomer:
    """Change what is given, and nothing else. Bills follow in the same transaction."""
    await get_customer(context.session, customer_id)
    fields = await _fields(context, asked)
    seen = await _seen(context, customer_id, if_match)
    await edit_customer(context.session, customer_id, fields, context, seen, asked.reason)
    return await _answer(context, customer_id, response)


async def _seen(context: HttpContext, customer_id: int, if_match: str | None) -> str | None:
    """The version that it names, if it is the one by now; None where it names any."""
    tags = named(if_match)
    if ANY in tags:
        return None
    version = await customer_version(context.session, customer_id)
    if etag(version) not in tags:
        raise await changed_since(context.session, customer_id, if_match or "")
    return version


async def _answer(context: HttpContext, customer_id: int, response: Response) -> WholeCustomer:
    await get_customer(context.session, customer_id)
    version = await customer_version(context.session, customer_id)
    record = await customer_record(context.session, customer_id)
    assert record is not None
    response.headers["ETag"] = etag(version)
    return whole_customer(record, await terms_history(context.session, customer_id), version)


async def _fields(context: HttpContext, asked: CustomerFields) -> dict[str, str]:
    """As texts; whoever is told by id, by name."""
    fields = asked.texts
    for told, column in (("csm_id", "csm"), ("sales_id", "sales")):
        if told not in asked.model_fields_set:
            continue
        if column in asked.model_fields_set:
            raise Invalid(f"Say {column} or {told}, not both.", told)
        user_id = getattr(asked, told)
        person = user_id and await find_person(context.session, user_id)
        if user_id and not person:
            raise Invalid("There is nobody with that id.", told)
        fields[column] = person.name if person else ""
    return fields
