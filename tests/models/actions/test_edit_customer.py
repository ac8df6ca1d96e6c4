"""A customer added and changed field by field, read as a file is, with what follows for bills."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from models.actions.edit_customer import create_customer, edit_customer
from models.actions.keep_books import BookChange
from models.customers.customers import Customer, customer_version
from models.customers.edits import CustomerChanged
from models.db.database import Database
from models.errors import Invalid, InvalidFields, NotAllowed, NotFound, WrongState
from models.people.users import User
from tests.harness.books import act, make_bills, send_out
from tests.harness.cast import People
from tests.harness.files import rows_of

ACME = {"name": " Acme  Corp ", "monthly_api_limit": "1,000,000", "overage_unit_cost": "0.004"}


async def add(db: Database, user: User, **fields: str) -> tuple[Customer, BookChange]:
    async with db.transaction() as session:
        return await create_customer(session, ACME | fields, act(user))


async def edit(
    db: Database, user: User, customer_id: int, minutes: int = 30, **fields: Any
) -> tuple[Customer, BookChange]:
    version, reason = fields.pop("version", None), fields.pop("reason", None)
    by = act(user, minutes)
    async with db.transaction() as session:
        return await edit_customer(session, customer_id, fields, by, version, reason)


async def test_finance_adds_a_customer_with_all_there_is(db: Database, people: People) -> None:
    given = {
        **{"csm": "kim", "sales": "SAM", "billing_address": "1 Road\nTown", "country": "de"},
        **{"billing_email": "Ap@acme.example; cfo@acme.example", "tax_rate_percent": "19 %"},
        **{"locale": "de-CH", "payment_days": "14", "currency": "eur", "start_date": "31.1.2026"},
        **{"require_csm_approval": "yes", "auto_approve_below": "10.5", "valid_from": "2026-03"},
        **{"limit_proration": "Daily", "slack_channel_id": "C012AB3CD"},
    }
    acme, change = await add(db, people.ana, **given)
    assert (change.imported.added, change.stranded) == (1, ())
    assert await rows_of(
        db,
        "select c.name, csm_id, sales_id, country, tax_rate_percent::text, locale, payment_days,"
        " c.currency, c.monthly_api_limit, start_date::text, require_csm_approval,"
        " limit_proration, valid_from::text"
        f" from customers c join customer_terms t on t.customer_id = c.id where c.id = {acme.id}",
    ) == [
        (
            *("Acme  Corp", people.kim.id, people.sam.id, "DE", "19", "de_CH", 14),
            *("EUR", 1_000_000, "2026-01-31", True, "daily", "2026-03-01"),
        )
    ]


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"monthly_api_limit": "1.5 million"}, {"monthly_api_limit"}),
        ({"monthly_api_limit": ""}, {"monthly_api_limit"}),
        ({"name": ""}, {"name"}),
        ({"name": "#REF!"}, {"name"}),
        ({"name": "two\nlines"}, {"name"}),
        ({"csm": "Nobody"}, {"csm"}),
        ({"csm": "Sam"}, {"csm"}),
        ({"sales": "Max"}, {"sales"}),
        ({"country": "UK", "currency": "$", "overage_unit_cost": "1"}, {"country", "currency"}),
        ({"tax_rate_percent": "0.19"}, {"tax_rate_percent"}),
        ({"start_date": "02/01/2026"}, {"start_date"}),
        ({"start_date": "2026-02-01", "end_date": "2026-01-31"}, {"end_date"}),
        ({"end_date": "2099-12-31"}, {"end_date"}),
        ({"overage_unit_cost": "-1"}, {"overage_unit_cost"}),
        ({"overage_unit_cost": "0,004 \x00"}, {"overage_unit_cost"}),
        ({"billing_email": "nobody"}, {"billing_email"}),
        ({"limit_proration": "weekly", "valid_from": "13/2026"}, {"limit_proration", "valid_from"}),
    ],
)
async def test_each_field_at_fault_is_named_and_nothing_is_kept(
    db: Database, people: People, fields: dict[str, str], at_fault: set[str]
) -> None:
    with pytest.raises(InvalidFields) as refused:
        await add(db, people.ana, **fields)
    assert set(refused.value.faults) == at_fault
    assert all(text[0].isupper() or text[0] in "“" for text in refused.value.faults.values())
    assert await rows_of(db, "select count(*) from customers") == [(0,)]
    acme, _ = await add(db, people.ana)
    with pytest.raises(Invalid) as refused_again:
        await edit(db, people.ana, acme.id, **fields)
    assert refused_again.value.field in at_fault


async def test_a_name_in_use_is_not_added_twice(db: Database, people: People) -> None:
    await add(db, people.ana)
    with pytest.raises(Invalid, match="There is a customer Acme  Corp already") as refused:
        await add(db, people.ana, name="ACME corp")
    assert refused.value.field == "name"


async def test_two_who_add_the_same_name_at_once_add_one(db: Database, people: People) -> None:
    ended = await asyncio.gather(*(add(db, people.ana) for _ in range(3)), return_exceptions=True)
    assert sum(not isinstance(one, Exception) for one in ended) == 1
    assert await rows_of(db, "select count(*) from customers") == [(1,)]


async def test_only_what_is_given_changes_and_the_same_again_changes_nothing(
    db: Database, people: People
) -> None:
    acme, _ = await add(db, people.ana, csm="Kim", tax_id="DE1", end_date="2027-01-01")
    changed, change = await edit(
        db, people.ana, acme.id, csm="Lee", tax_id="", start_date="2026-01-01"
    )
    assert (changed.csm_id, changed.tax_id) == (people.lee.id, None)
    assert str(changed.end_date) == "2027-01-01"
    assert (change.imported.changed, [lost.column for lost in change.imported.emptied]) == (
        1,
        ["tax_id"],
    )
    version = await version_of(db, acme.id)
    _, again = await edit(db, people.ana, acme.id, 31, csm="Lee", currency="usd")
    assert again.imported.written == 0
    assert await version_of(db, acme.id) == version


async def version_of(db: Database, customer_id: int) -> str:
    async with db.transaction() as session:
        return await customer_version(session, customer_id)


async def test_of_two_who_edit_the_same_the_second_is_told(db: Database, people: People) -> None:
    acme, _ = await add(db, people.ana)
    seen = await version_of(db, acme.id)
    await edit(db, people.ana, acme.id, tax_id="DE0", version=seen)
    await edit(db, people.ana, acme.id, tax_id="DE1", country="DE")
    with pytest.raises(CustomerChanged) as refused:
        await edit(db, people.ana, acme.id, tax_id="DE2", version=seen)
    assert [one.name for one in refused.value.by] == [people.ana.name]
    assert refused.value.changes == {"tax_id": (None, "DE1"), "country": (None, "DE")}
    later = await version_of(db, acme.id)
    await edit(db, people.ana, acme.id, 31, monthly_api_limit="5", valid_from="2027-01")
    assert later != await version_of(db, acme.id), "terms that are still ahead count as well"


async def test_another_name_is_on_record_and_the_old_one_finds_it(
    db: Database, people: People
) -> None:
    acme, _ = await add(db, people.ana)
    renamed, change = await edit(db, people.ana, acme.id, name="Acme Holding", country="DE")
    assert (renamed.name, renamed.country, change.imported.changed) == ("Acme Holding", "DE", 1)
    assert await rows_of(db, "select old_name, new_name, changed_by from customer_changes") == [
        ("Acme  Corp", "Acme Holding", people.ana.id)
    ]
    with pytest.raises(Invalid):
        await add(db, people.ana, name="acme corp")


async def test_what_was_changed_by_hand_is_on_record_with_the_reason(
    db: Database, people: People
) -> None:
    acme, _ = await add(db, people.ana)
    await edit(db, people.ana, acme.id, country="DE", csm="Kim", reason=" They moved ")
    await edit(db, people.ana, acme.id, 31, country="DE", reason="Once more")
    await edit(db, people.ana, acme.id, 32, monthly_api_limit="5", valid_from="2026-12")
    told = await rows_of(db, "select changes, reason, changed_by from customer_edits order by id")
    assert told == [
        ({"country": [None, "DE"], "csm": [None, "Kim"]}, "They moved", people.ana.id),
        (
            {"valid_from": [None, "2026-12"], "monthly_api_limit": ["1000000", "5"]},
            None,
            people.ana.id,
        ),
    ], "nothing is kept where nothing was changed"
    with pytest.raises(Invalid) as refused:
        await edit(db, people.ana, acme.id, 33, country="FR", reason="x" * 3_001)
    assert refused.value.field == "reason"
    with pytest.raises(sa.exc.DBAPIError):
        await rows_of(db, "delete from customer_edits returning 1")


async def test_a_currency_comes_with_its_price(db: Database, people: People) -> None:
    acme, _ = await add(db, people.ana)
    with pytest.raises(Invalid) as refused:
        await edit(db, people.ana, acme.id, currency="EUR")
    assert refused.value.field == "overage_unit_cost"
    changed, _ = await edit(db, people.ana, acme.id, currency="EUR", overage_unit_cost="0.003")
    assert (changed.currency, str(changed.overage_unit_cost)) == ("EUR", "0.003")


async def test_open_bills_follow_and_a_billed_month_stays(db: Database, people: People) -> None:
    [waiting, sent] = await make_bills(db, people.ana, customers=2)
    await send_out(db, people, sent)
    [[one], [two]] = await rows_of(db, "select id from customers order by id")
    _, change = await edit(
        db, people.ana, one, overage_unit_cost="0.4", valid_from="2026-10", minutes=50
    )
    assert change.recalculated.invalidated == (waiting,)
    [bill] = await rows_of(
        db, f"select overage_amount = 200, version from bills where id = {waiting}"
    )
    assert bill == (True, 2)
    with pytest.raises(InvalidFields) as refused:
        await edit(db, people.ana, two, overage_unit_cost="0.4", valid_from="2026-10", minutes=51)
    assert "2026-11" in refused.value.faults["valid_from"]
    _, kept = await edit(
        db, people.ana, two, start_date="2026-10-15", limit_proration="daily", minutes=52
    )
    assert kept.recalculated.kept == (sent,)


async def test_a_bill_that_nobody_can_decide_any_more_is_held_and_others_are_left_alone(
    db: Database, people: People
) -> None:
    [first, second] = await make_bills(db, people.ana, customers=2)
    async with db.transaction() as session:
        await session.execute(sa.text("update users set role = null where role = 'Sales'"))
    [[one], _] = await rows_of(db, "select id from customers order by id")
    _, change = await edit(db, people.ana, one, require_sales_approval="yes")
    assert change.stranded == (first,)
    assert await rows_of(db, "select id, status from bills order by id") == [
        (first, "held"),
        (second, "pending"),
    ]


async def test_only_finance_does_it_and_only_to_a_customer_that_is_there(
    db: Database, people: People
) -> None:
    acme, _ = await add(db, people.ana)
    for user in (people.kim, people.sam, people.max):
        with pytest.raises(NotAllowed):
            await add(db, user, name="Other")
        with pytest.raises(NotAllowed):
            await edit(db, user, acme.id, country="DE")
    with pytest.raises(NotFound):
        await edit(db, people.ana, acme.id + 1, country="DE")
    async with db.transaction() as session:
        await session.execute(
            sa.text(
                "insert into customers (name, monthly_api_limit, merged_into_id)"
                f" values ('Old', 1, {acme.id})"
            )
        )
    [[old]] = await rows_of(db, "select id from customers where name = 'Old'")
    with pytest.raises(WrongState):
        await edit(db, people.ana, old, country="DE")
