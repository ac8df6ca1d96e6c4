"""Which customers are offered for a name that none of them has."""

import pytest
import sqlalchemy as sa

from models.customers.search import CHOICES, find_customer
from models.db.database import Database
from models.errors import Ambiguous

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
