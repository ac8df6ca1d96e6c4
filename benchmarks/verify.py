"""Verifying a million actions, beside the same hashes recomputed by one bare statement.

    python -m benchmarks.verify [--bills 100000] [--long 20000] [--runs 3]

Each bill has ten actions, from its making to its delivery; one more bill has a record of `--long`
comments. `floor` is one statement, which the server may share among its workers. A tenth of the
bills is verified besides: if memory grew with the record, its peak would be lower.

Last figures, on two cores that others kept busy (load 5):

    floor: 1,020,000 hashes, one statement          16.87 s     60,475/s
    verify 1,020,000 actions of 100,000 bills      159.83 s      6,382/s   x9.51 of the floor
    peak memory 82 MB; with a tenth of the bills 82 MB
"""

import argparse
import asyncio
import subprocess
import sys
import time

import psycopg

from benchmarks.cost import peak_mb
from benchmarks.ground import Ground, ground, report
from models.audit.verify import VerifyProgress, verify
from models.db.database import Database

GENERATE = """
insert into bills (customer_id, year, month, api_usage, monthly_api_limit, overage_units,
    overage_unit_cost, overage_amount, currency, status)
select id, 2026, 10, 2000, 1000, 1000, 0.001, 1.00, currency, 'pending'
from customers order by id limit {bills};
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, snapshot)
select id, version, 1, 'generate', 'cli', jsonb_build_object('after', bill_figures(b)) from bills b;
"""

MOVE = """
create temp table earlier on commit drop as select id, bill_figures(b) as figures from bills b;
update bills b set version = version + 1, {columns};
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, comment,
    reverses_id, snapshot)
select b.id, b.version, 1, '{verb}', 'slack', 'as agreed', {reverses},
    jsonb_build_object('before', e.figures, 'after', bill_figures(b)) || {more}
from bills b join earlier e using (id);
"""

COMMENT = """
insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, comment)
select id, version, 1, 'comment', 'slack', 'I have asked the customer about it.' from bills;
"""

NUMBERS = """
insert into documents (bill_id, number, media_type, content, created_at)
select id, '2026-' || lpad((row_number() over (order by id))::text, 6, '0'), 'text/plain',
       convert_to(repeat('line of bill ' || id || E'\\n', 50), 'UTF8'), now()
from bills;
insert into number_series select 'invoice', 2026, count(*) from bills;
"""

APPROVALS = """
insert into approvals (bill_id, slot, user_id, action_id)
select bill_id, 'any', stakeholder_id, id from bill_actions where action = 'approve'
"""

LAST_ACTION = "(select last_action_id from bill_chains c where c.bill_id = b.id)"
NUMBER = "number = (select d.number from documents d where d.bill_id = b.id)"
SHA256 = "jsonb_build_object('sha256', (select d.sha256 from documents d where d.bill_id = b.id))"


def move(verb: str, columns: str, more: str = "'{}'", reverses: str = "null::bigint") -> str:
    return MOVE.format(verb=verb, columns=columns, more=more, reverses=reverses)


ROUNDS = (
    COMMENT,
    move("reject", "status = 'rejected'"),
    move("undo", "status = 'pending'", reverses=LAST_ACTION),
    COMMENT,
    move("approve", "status = 'approved'", '\'{"part": "any"}\'') + APPROVALS,
    move("send", "status = 'sending'"),
    NUMBERS + move("issue", NUMBER, SHA256),
    move("deliver", "status = 'sent'", SHA256),
    COMMENT,
)

LONG = """
do $$ begin
    for place in 1..{comments} loop
        insert into bill_actions (bill_id, bill_version, stakeholder_id, action, source, comment)
        select id, version, 1, 'comment', 'slack', repeat('word ', 50)
        from bills order by id desc limit 1;
        -- Within one transaction each insert looks through all earlier rows of the chain.
        if place % 100 = 0 then commit; end if;
    end loop;
end $$;
"""

FLOOR = "select count(*) from bill_actions a where hash = bill_action_hash(prev_hash, a)"


def write_record(url: str, bills: int, comments: int) -> None:
    """Each round has its own connection: one keeps plans that it made while tables were empty."""
    for statements in (GENERATE.format(bills=bills), *ROUNDS):
        with psycopg.connect(url) as connection:
            connection.execute(statements.encode())
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("vacuum analyze")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(LONG.format(comments=comments).encode())
        connection.execute("vacuum analyze")


def recomputed(url: str) -> tuple[float, int]:
    """Seconds of the bare statement, and the number of actions."""
    with psycopg.connect(url) as connection:
        began = time.perf_counter()
        row = connection.execute(FLOOR.encode()).fetchone()
        return time.perf_counter() - began, row[0] if row else 0


async def verified(url: str) -> float:
    """Seconds of verifying everything; whatever does not fit is an error."""
    db = Database(url)
    last = VerifyProgress()

    def look(looked: VerifyProgress) -> None:
        nonlocal last
        last = looked

    began = time.perf_counter()
    async with db.reading() as session:
        misfits = [str(misfit) async for misfit in verify(session, show=look)]
    took = time.perf_counter() - began
    await db.close()
    if misfits or last.actions != last.of_actions:
        raise SystemExit("\n".join([f"{len(misfits)} misfits", *misfits[:10], str(last)]))
    return took


def in_a_process(url: str) -> tuple[float, float]:
    """Seconds, and the peak of resident memory in MB, of verifying in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.verify", "--url", url],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def measure(place: Ground, bills: int, comments: int, runs: int) -> list[str]:
    with place.clone() as url:
        write_record(url, bills // 10, 0)
        _, small_mb = in_a_process(url)
    floor, ours, peaks = [], [], []
    with place.clone() as url:
        write_record(url, bills, comments)
        for _ in range(runs):
            seconds, actions = recomputed(url)
            floor.append(seconds)
            seconds, megabytes = in_a_process(url)
            ours.append(seconds)
            peaks.append(megabytes)
    return [
        report(f"floor: {actions:,} hashes, one statement", floor, None, actions),
        report(f"verify {actions:,} actions of {bills:,} bills", ours, floor, actions),
        f"peak memory {max(peaks):.0f} MB; with a tenth of the bills {small_mb:.0f} MB",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bills", type=int, default=100_000)
    parser.add_argument("--long", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.url:
        sys.stdout.write(f"{asyncio.run(verified(options.url))} {peak_mb()}\n")
        return
    with ground(options.bills) as place:
        lines = measure(place, options.bills, options.long, options.runs)
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
