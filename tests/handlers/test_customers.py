"""Customers in Slack: the list of them, and the dialogs that add and change one."""

from typing import Any

import sqlalchemy as sa

from handlers.customer_form import FIELDS
from handlers.slack.blocks.customer_form import FIRST
from models.actions.approve import approve_bill, reject_bill
from models.actions.edit_customer import edit_customer
from models.bills.states import RejectReason
from models.context import Context, Source
from models.customers.customers import Customer
from models.customers.search import find_customer
from tests.handlers.conftest import Bills
from tests.harness.cast import People
from tests.harness.record import bill_of
from tests.harness.slack_people import NOW, Json, Person, Team, acts, element, labels, read, said


async def customers(team: Team, columns: str) -> list[tuple[Any, ...]]:
    async with team.db.transaction() as session:
        rows = await session.execute(sa.text(f"select {columns} from customers order by id"))
        return [tuple(row) for row in rows]


def choice(dialog: Json, field: str, value: str) -> Json:
    """One of the options of a field, as it is chosen."""
    [block] = [block for block in dialog["blocks"] if block.get("block_id") == field]
    [one] = [one for one in block["element"]["options"] if one["value"] == value]
    return {"selected_option": one}


async def presses_more(person: Person, **typed: str) -> None:
    """Press *More fields*, with what was typed until then."""
    view = person.dialog
    values = {
        block["block_id"]: {
            block["element"]["action_id"]: {
                "value": typed.get(block["block_id"], block["element"].get("initial_value", "")),
                "selected_option": block["element"].get("initial_option"),
            }
        }
        for block in view["blocks"]
        if block["type"] == "input"
    }
    more = element(view, "More fields")
    await person.sandbox.interact(person.slack_id, None, None, more, view["id"], values=values)


def fields_of(view: Any) -> dict[str, Any]:
    """What each field of a dialog begins with."""
    inputs = [block for block in view["blocks"] if block["type"] == "input"]
    return {
        one["block_id"]: one["element"].get("initial_value")
        or one["element"].get("initial_option", {}).get("value")
        for one in inputs
    }


async def test_few_fields_are_asked_at_first_and_what_was_typed_stays_with_more(
    team: Team, people: People
) -> None:
    await team.ana.types("/customer new Zoo Ltd")
    asked = fields_of(team.ana.dialog)
    assert [*asked] == [one for one in FIRST if one != "valid_from"]
    await presses_more(team.ana, monthly_api_limit="5000", overage_unit_cost="0.01")
    whole = fields_of(team.ana.dialog)
    assert whole.keys() == {*FIELDS, "valid_from"}
    assert (whole["name"], whole["monthly_api_limit"]) == ("Zoo Ltd", "5000")
    await team.ana.submits(
        name="Zoo Ltd", monthly_api_limit="5000", csm=choice(team.ana.dialog, "csm", "Kim")
    )
    await team.ana.types("/customer new Yak Ltd")
    await team.ana.submits(name="Yak Ltd", monthly_api_limit="7000")
    told = await customers(team, "name, monthly_api_limit, currency, limit_proration")
    assert told[-2:] == [("Zoo Ltd", 5000, "USD", "full"), ("Yak Ltd", 7000, "USD", "full")]


async def test_who_presses_more_after_another_was_faster_overwrites_nothing(
    team: Team, people: People
) -> None:
    await team.ana.types("/customer edit acme")
    async with team.db.transaction() as session:
        acme = await find_customer(session, "acme")
        act = Context(people.ana, NOW, Source.SLACK)
        change = {"billing_email": "new@acme.example", "country": "DE"}
        await edit_customer(session, acme.id, change, act)
    await presses_more(team.ana, start_date="2020-01-01")
    whole = fields_of(team.ana.dialog)
    told = [whole[one] for one in ("billing_email", "country", "start_date")]
    assert told == ["new@acme.example", "DE", "2020-01-01"]


async def test_customers_are_listed_by_name_with_what_they_used(team: Team) -> None:
    listed = await team.kim.types("/customer list")
    assert "2 customers, by name, with what they used in October 2026." in read(listed)
    for told in ("Acme Corp Kim 1,500 (500 over) 1,000 $0.50", "Bolt Ltd nobody 1,500"):
        assert told in read(listed)
    assert acts(listed) == ["answer:share"]
    one = await team.max.types("/customer list “COR”")
    assert "1 customer, by name" in read(one)
    assert "Bolt" not in said(one)
    assert "Customers like “xyz”: none." in (await team.kim.types("/customer list xyz"))["text"]


async def test_a_long_list_goes_on_in_the_same_private_answer(team: Team) -> None:
    async with team.db.transaction() as session:
        session.add_all(Customer(name=f"Zoo {at:02}", monthly_api_limit=10) for at in range(30))
    first = await team.kim.types("/customer list zoo")
    assert "30 customers" in read(first)
    assert ("Zoo 19" in said(first), "Zoo 20" in said(first)) == (True, False)
    await team.kim.clicks("Next page", on=first)
    second = team.again(first)
    assert ("Zoo 19" in said(second), "Zoo 29" in said(second)) == (False, True)
    assert acts(second) == ["answer:share"]
    assert team.messages("CBILLS") == []


async def test_a_customer_is_shown_with_its_terms_its_bills_and_its_usage(
    team: Team, people: People, october: Bills
) -> None:
    async with team.db.transaction() as session:
        acme, act = await find_customer(session, "acme"), Context(people.ana, NOW, Source.WEB)
        fields = {"monthly_api_limit": "1200", "valid_from": "2026-11", "name": "Zenith <b>"}
        await edit_customer(session, acme.id, fields, act, None)
    told = await team.kim.types("/customer acme")
    for words in (
        *("Zenith <b>", "without beginning or end", "Kim (CSM)", "Approved by Kim (CSM)."),
        *("1,200 calls included, then $0.50 each.", "Also found as Acme Corp"),
        *("From November 2026:", "(from 1,000 calls (+20 %))", "the first terms"),
        *(f"#{october.acme} October 2026, $250.00", "Usage: ", "not recorded", "nobody yet"),
    ):
        assert words in read(told).replace("  ", " "), (words, read(told))
    assert acts(told) == ["page:open", "answer:share"]
    await team.kim.clicks("Share here", on=told)
    [public] = team.messages("CBILLS")
    assert "From November 2026:" in read(public)
    assert acts(public) == ["page:open"]
    finances = await team.ana.types("/customer zenith 2m")
    assert "October 2026 to November 2026" in read(finances)
    await team.ana.clicks("Edit", on=finances)
    assert team.ana.dialog["callback_id"] == "customer:edit"
    await team.kim.forges(element(finances, "Edit"), on=finances)
    assert team.kim.dialogs == []


async def test_a_customers_open_bills_are_the_same_wherever_they_are_told(
    team: Team, people: People, october: Bills
) -> None:
    """They are open until they are sent or void."""
    async with team.db.transaction() as session:
        act = Context(people.kim, NOW, Source.WEB)
        await approve_bill(session, october.acme, 1, act)
        await reject_bill(session, october.bolt, 1, act, RejectReason.USAGE_WRONG, "Ours")
    for name, bill_id, state in (
        ("acme", october.acme, "approved"),
        ("bolt", october.bolt, "rejected"),
    ):
        told = read(await team.kim.types(f"/usage {name}"))
        assert f"Open bills: #{bill_id} October 2026, $250.00, {state}." in told
    assert read(await team.kim.types("/customer list")).count("$0.50 1") == 2


async def test_strangers_are_shown_no_customer(team: Team) -> None:
    for user in ("UNEW", "UGUS", "UFAR"):
        for typed in ("/customer list", "/customer acme"):
            assert "Acme" not in said(await team.person(user).types(typed))


async def test_ana_adds_a_customer_and_reads_beside_each_field_what_cannot_be_kept(
    team: Team, people: People
) -> None:
    await team.ana.types("/customer new Zoo Ltd")
    await presses_more(team.ana)
    dialog = team.ana.dialog
    refused = await team.ana.submits(
        name="acme corp",
        monthly_api_limit="many",
        billing_email="nowhere",
        payment_days="soon",
        start_date="2026-02-31",
    )
    told = refused["errors"]
    assert told["name"] == "There is a customer Acme Corp already."
    assert told.keys() == {
        *("name", "monthly_api_limit", "billing_email", "payment_days", "start_date")
    }
    assert len(await customers(team, "id")) == 2
    await team.ana.submits(
        name="Zoo Ltd",
        csm=choice(dialog, "csm", "Kim"),
        require_csm_approval=choice(dialog, "require_csm_approval", "yes"),
        monthly_api_limit="1,000,000",
        overage_unit_cost="0.002",
        billing_address="1 Road\nTown",
        country="de",
        billing_email="",
        payment_days="",
        start_date="",
    )
    assert "Zoo Ltd is a customer now." in " ".join(read(team.ana.dialog).split())
    [*_, zoo] = await customers(
        team, "name, csm_id, require_csm_approval, monthly_api_limit, billing_address, country"
    )
    assert zoo == ("Zoo Ltd", people.kim.id, True, 1_000_000, "1 Road\nTown", "DE")


async def test_a_change_that_moves_a_bill_is_shown_and_saved_once_agreed(
    team: Team, october: Bills
) -> None:
    await team.ana.types("/customer edit acme")
    await team.ana.submits(
        monthly_api_limit="1200", valid_from="2026-10", reason="As agreed in September"
    )
    asked = team.ana.dialog
    for told in (
        "1,200, until now 1,000.",
        f"#{october.acme}",
        "$250.00",
        "$150.00",
    ):
        assert told in read(asked), told
    assert asked["submit"]["text"] == "Save changes"
    assert [row[0] for row in await customers(team, "monthly_api_limit")] == [1000, 1000]
    await team.ana.submits()
    assert "is saved." in read(team.ana.dialog)
    assert (await bill_of(team.db, october.acme)).overage_amount == 150
    async with team.db.transaction() as session:
        [reason] = await session.scalars(sa.text("select reason from customer_edits"))
    assert reason == "As agreed in September"


async def test_what_is_left_alone_stays_and_what_is_emptied_goes(team: Team) -> None:
    kept = "name, csm_id, require_csm_approval, overage_unit_cost, currency, billing_address"
    before = await customers(team, kept)
    await team.ana.types("/customer edit Acme Corp")
    await team.ana.submits()
    assert "nothing was changed." in read(team.ana.dialog)
    await team.ana.types("/customer edit Acme Corp")
    await team.ana.submits(billing_email="pay@acme.example")
    await team.ana.types("/customer edit Acme Corp")
    await presses_more(team.ana)
    await team.ana.submits(csm=choice(team.ana.dialog, "csm", "-"), country="de")
    after = await customers(team, f"billing_email, country, {kept}")
    assert after[0] == ("pay@acme.example", "DE", before[0][0], None, *before[0][2:])
    assert after[1][2:] == before[1]


async def test_two_who_change_one_customer_do_not_overwrite_each_other(
    team: Team, people: People
) -> None:
    await team.ana.types("/customer edit acme")
    await presses_more(team.ana)
    async with team.db.transaction() as session:
        acme = await find_customer(session, "acme")
        act = Context(people.ana, NOW, Source.SLACK)
        await edit_customer(session, acme.id, {"country": "DE", "tax_note": "Mine"}, act)
    await team.ana.submits(country="FR", tax_id="FR1")
    told = read(team.ana.dialog)
    assert "Ana (Finance) changed this customer while you were looking. " in told
    assert "Country: DE, was none" in told and "Mine, was none" in told
    assert "What you typed is still here" in told
    assert [row[0] for row in await customers(team, "country")] == ["DE", None]
    await team.ana.submits()
    assert (await customers(team, "country, tax_id, tax_note"))[0] == ("FR", "FR1", "Mine")


async def test_only_finance_opens_the_dialogs_or_sends_them(team: Team) -> None:
    for user in ("UKIM", "USAM", "UMAX", "UGUS", "UFAR", "UNEW"):
        for typed in ("/customer new Zoo", "/customer edit acme"):
            await team.person(user).types(typed)
            assert team.person(user).dialogs == [], (user, typed)
    before = await customers(team, "name, country")
    await team.ana.types("/customer edit acme")
    await presses_more(team.ana)
    async with team.db.transaction() as session:
        await session.execute(sa.text("update users set role = 'Sales' where name = 'Ana'"))
    await team.ana.submits(country="FR")
    assert await customers(team, "name, country") == before


async def test_a_name_that_fits_two_is_chosen_and_its_dialog_opens(team: Team) -> None:
    async with team.db.transaction() as session:
        session.add(Customer(name="Acme Labs", monthly_api_limit=10))
    asked = await team.ana.types("/customer edit acme")
    assert labels(asked) == ["Acme Corp", "Acme Labs"]
    await team.ana.clicks("Acme Labs", on=asked)
    assert "Acme Labs" in str(team.ana.dialog)
