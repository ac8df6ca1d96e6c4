"""What webhooks cost a month that is generated: CPU is ours and the server's.

    python -m benchmarks.webhooks [--customers 200000] [--runs 3]

`without the trigger`: as if there were no webhooks at all. `no webhook`: nobody has added one.
`one webhook`: it is promised every bill.
"""

import asyncio

import psycopg

from benchmarks.ground import Ground, Spent, report_spent, run
from benchmarks.month_end import spent_on_generating

NO_TRIGGER = "drop trigger promise_events on bill_actions"
ONE_WEBHOOK = """
insert into webhooks (address, events, created_by_id, created_at)
select 'https://example.com/', '{bill.generated}', id, now() from users where name = 'system'
"""
PROMISED = "select (select count(*) from bills), (select count(*) from webhook_deliveries)"


def measure(place: Ground, runs: int) -> list[str]:
    taken: dict[str, list[Spent]] = {"select": [], NO_TRIGGER: [], ONE_WEBHOOK: []}
    bills = 0
    for _ in range(runs):
        for prepare, spent in taken.items():
            with place.clone() as url:
                _run(url, prepare)
                spent.append(asyncio.run(spent_on_generating(place, url)))
                bills, promised = _run(url, PROMISED)
                assert promised == (bills if prepare is ONE_WEBHOOK else 0)
    none, untold, one = taken["select"], taken[NO_TRIGGER], taken[ONE_WEBHOOK]
    return [
        report_spent("without the trigger", untold, unit=bills),
        report_spent("no webhook", none, untold, bills),
        report_spent("one webhook", one, untold, bills),
    ]


def _run(url: str, statement: str) -> tuple[int, int]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row or (0, 0)


if __name__ == "__main__":
    run(__doc__, 200_000, measure)
