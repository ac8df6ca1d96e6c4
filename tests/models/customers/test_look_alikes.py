"""Names that differ only in the script of some letters: nobody could tell their bills apart."""

from typing import Any

import pytest

from models.actions.edit_customer import create_customer, edit_customer
from models.actions.rename_customer import rename_customer
from models.customers.search import find_customer
from models.db.database import Database
from models.errors import Invalid, InvalidFields
from models.imports.files import Imported
from tests.harness.books import act
from tests.harness.cast import People
from tests.harness.files import flaws_of, load_rows, rows_of
from tests.models.customers.test_names import named

ALIKE = {
    "Acme": "\u0410cme",  # Cyrillic
    "BOSS": "b\u043ess",
    "Vodafone": "V\u03bfdafone",  # Greek
    "COPA": "\u0421\u041e\u0420\u0410",  # the whole word
    "KIT": "\u039a\u0399\u03a4",
    "\u0395\u03a4\u0391": "\u0415\u0422\u0410",  # Greek and Cyrillic
    "3M": "\u0417M",  # like a digit
    "\u041c\u043e\u0441\u043a\u0432\u0430": "Moc\u043a\u0432\u0430",  # Latin among Cyrillic
    "\u041ecean": "O\u0441ean",  # another letter in each
    "Café Öl": "C\u0430fe\u0301 Öl",
}
APART = {
    "Acme l": "Acme I",  # of one script
    "Acme O": "Acme 0",
    "\u0414\u0443\u0443": "\u0414\u04af\u04af",
    "Romashka": "\u0420\u043e\u043c\u0430\u0448\u043a\u0430",
    "COPA 2017": "\u0421\u041e\u0420\u0410 2018",
    "Anna": "\u0410\u043d\u043d\u0430",  # small letters that are only near
}


@pytest.mark.parametrize("pairs", [list(ALIKE.items()), [pair[::-1] for pair in ALIKE.items()]])
async def test_no_second_customer_is_called_what_only_looks_like_the_first(
    db: Database, people: People, pairs: list[tuple[str, str]]
) -> None:
    firsts, seconds = zip(*pairs, strict=True)
    told = [
        f"“{second}” only looks like “{first}”: they differ in letters of another script; "
        "write it so that people can tell them apart"
        for first, second in pairs
    ]
    rows = map(named, firsts + seconds)
    flaws = await flaws_of(db, people.ana, "customers", *rows)
    assert {flaw.reason for flaw in flaws} >= set(told)
    await load_rows(db, people.ana, "customers", *map(named, firsts))
    flaws = await flaws_of(db, people.ana, "customers", *map(named, ("Beta", *seconds)))
    assert [(flaw.line, flaw.column, flaw.reason) for flaw in flaws] == [
        (line, "name", reason) for line, reason in enumerate(told, 3)
    ]
    longer = [named(f"{second} Sofia") for second in seconds]
    again = await load_rows(db, people.ana, "customers", *map(named, firsts), *longer)
    assert again == Imported(len(longer), 0, len(firsts))


async def test_who_can_be_told_apart_stays_two(db: Database, people: People) -> None:
    names = map(named, (*APART.keys(), *APART.values()))
    assert (await load_rows(db, people.ana, "customers", *names)).added == 2 * len(APART)


async def test_usage_of_a_name_that_only_looks_like_one_says_whose_it_would_be(
    db: Database, people: People
) -> None:
    await load_rows(db, people.ana, "customers", named("Acme"))
    flaws = await flaws_of(
        db, people.ana, "usage", "\u0410cme,2026,9,5", "\u0410cme,2026,10,5", "Beta,2026,10,5"
    )
    assert [str(flaw) for flaw in flaws] == [
        "line 2, customer: “\u0410cme” is no customer's name",
        "line 2, customer: “\u0410cme” only looks like “Acme”: they differ in letters of another "
        "script; write it as the customer is called",
        "line 3, customer: “\u0410cme” is no customer's name",
        "line 4, customer: “Beta” is no customer's name",
    ]


async def test_a_form_refuses_it_beside_its_field(db: Database, people: People) -> None:
    await load_rows(db, people.ana, "customers", named("Acme"), named("Beta"))
    fields: dict[str, Any] = {"name": "\u0410cme", "monthly_api_limit": "10"}
    async with db.transaction() as session:
        with pytest.raises(InvalidFields) as refused:
            await create_customer(session, fields, act(people.ana))
    assert list(refused.value.faults) == ["name"]
    assert "“\u0410cme” only looks like “Acme”" in refused.value.faults["name"]
    async with db.transaction() as session:
        beta = (await find_customer(session, "Beta")).id
        with pytest.raises(Invalid, match="only looks like “Acme”"):
            await edit_customer(session, beta, {"name": "\u0410cme"}, act(people.ana))


async def test_a_customer_can_be_called_what_its_own_name_looks_like(
    db: Database, people: People
) -> None:
    """So the name that a source writes by mistake becomes one of its own."""
    await load_rows(db, people.ana, "customers", named("Acme"), named("Beta"))
    async with db.transaction() as session:
        acme, beta = [(await find_customer(session, name)).id for name in ("Acme", "Beta")]
        with pytest.raises(Invalid, match="only looks like “Acme”, the name of another"):
            await rename_customer(session, beta, "\u0410cme", act(people.ana))
        for name in ("\u0410cme", "Acme"):
            await rename_customer(session, acme, name, act(people.ana))
    assert await load_rows(db, people.ana, "usage", "\u0410cme,2026,10,5") == Imported(1, 0, 0)
    assert await rows_of(db, "select name from customers order by id") == [("Acme",), ("Beta",)]
