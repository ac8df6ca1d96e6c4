"""A warehouse that is spread over three servers: each adds up its own customers."""

from collections.abc import Iterator

import psycopg
import pytest

from bot.warehouse.errors import WarehouseFailed
from tests.bot.test_warehouses import Warehouse, ask
from tests.harness.shards import programs, shards

QUERY = """
select customer, cast(sum(calls) as numeric) as calls from events
where happened >= :month_start and happened < :month_end group by customer order by customer
"""
EVENTS = """
insert into events
select 'customer ' || i % 30, timestamptz '2026-09-30 23:00:00+00' + i * interval '1 hour', 1
from generate_series(0, 746) i
union all select 'huge', '2026-10-05 00:00:00+00', 9223372036854775807 from generate_series(1, 2)
"""


@pytest.fixture(scope="module")
def front() -> Iterator[str]:
    found = programs()
    if found is None:
        pytest.skip("needs Debian's postgresql, for its postgres_fdw")
    with shards(found) as address:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(EVENTS)
        yield f"{address}&options=-c%20enable_partitionwise_aggregate%3Don"


async def test_the_servers_add_up_and_the_month_is_whole(front: str) -> None:
    with psycopg.connect(front, autocommit=True) as connection:
        counted = [
            connection.execute(f"select count(*) from {part}".encode()).fetchone()
            for part in ("own", "far1", "far2")
        ]
        plan = connection.execute(
            b"explain (verbose) select customer, sum(calls) from events group by customer"
        ).fetchall()
    assert all(count and count[0] for count in counted)
    assert sum("Remote SQL: SELECT customer, sum(calls)" in line for (line,) in plan) == 2
    told = dict(await ask(Warehouse(front), QUERY))
    assert told.pop("huge").startswith("\x01“18446744073709551614” is more than")
    assert len(told) == 30
    assert sum(map(int, told.values())) == 744


async def test_an_error_of_one_server_is_no_answer(front: str) -> None:
    failing = QUERY.replace("sum(calls)", "sum(1 / (calls - 9223372036854775807))")
    with pytest.raises(WarehouseFailed, match="division by zero"):
        await ask(Warehouse(front), failing)
    assert len(await ask(Warehouse(front), QUERY)) == 31
