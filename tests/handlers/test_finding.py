"""Which customers are offered for a name that none of them has."""

import pytest
import sqlalchemy as sa

from models.customers.search import CHOICES, find_customer
from models.db.database import Database
from models.errors import Ambiguous
from tests.harness.reading import rows_read

_CUSTOMERS = sa.text("""
insert into customers (name, monthly_api_limit)
select who || n, 1000 from generate_series(1, 120) n, (values ('Client'), ('Customer')) w (who)
union all values ('Acme Corp', 1000), ('Zürich Wasser', 1000)
""")


async def _refused(db: Database, typed: str) -> Ambiguous:
    async with db.transaction() as session:
        await session.execute(_CUSTOMERS)
        with pytest.raises(Ambiguous) as refused:
            await find_customer(session, typed)
    return refused.value


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Cliemt11", "Client11"),
        ("Custmer7", "Customer7"),
        ("cutsomer 42", "Customer42"),
        ("acm corp", "Acme Corp"),
        ("Akme", "Acme Corp"),
        ("corp", "Acme Corp"),
        ("Zurich Waser", "Zürich Wasser"),
    ],
)
async def test_the_name_that_is_spelt_most_like_it_comes_first(
    typed: str, meant: str, db: Database
) -> None:
    refused = await _refused(db, typed)
    assert refused.choices[0] == meant
    assert len(refused.choices) <= CHOICES


@pytest.mark.parametrize("typed", ["Quux", "%", "  "])
async def test_nothing_is_offered_that_is_not_alike(typed: str, db: Database) -> None:
    assert (await _refused(db, typed)).choices == []


async def test_more_names_than_are_shown_are_told_as_such(db: Database) -> None:
    refused = await _refused(db, "Cust")
    assert str(refused) == "More than five customers begin with “Cust”. Which one?"
    assert len(refused.choices) == CHOICES


_MANY = sa.text("""
insert into customers (name, monthly_api_limit)
select 'Client ' || n || ' of ' || md5(n::text), 1000 from generate_series(1, 12000) n""")


@pytest.mark.parametrize("slip", [2, 25])
async def test_a_slip_is_found_among_thousands_without_looking_at_all_of_them(
    slip: int, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.customers.search.NEARBY", 100)
    async with db.long_transaction() as session:
        await session.execute(_MANY)
        await session.execute(sa.text("analyze customer_names"))
        meant = str(await session.scalar(sa.text("select max(name) from customers")))
        typed = f"{meant[:slip]}x{meant[slip + 1 :]}"
        found: list[str] = []

        async def find() -> None:
            with pytest.raises(Ambiguous) as refused:
                await find_customer(session, typed)
            found.extend(refused.value.choices)

        read = await rows_read(session, find)
    assert found[0] == meant
    assert read["customer_names"] <= 1_000, read
