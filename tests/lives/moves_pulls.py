"""Steps of a meter, of which a month is pulled, with its days or without; and of a customer who
asks by the link in a document.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from bot.warehouse.asking import asked
from models.actions.incoming import record_question
from models.actions.pull_usage import take_in
from models.actions.usage_links import make_link, revoke_links
from models.bills.usage_links import LinkedBill, linked_bill
from models.period import Period
from models.usage.pulls import Asking, UsagePull
from models.usage.sources import set_source
from tests.lives import golden
from tests.lives.moves import Turn
from tests.lives.moves_around import month_of_a_bill
from tests.lives.moves_books import SPELLINGS, chance_of

Days = dict[date | None, int]


@dataclass(frozen=True)
class Metered:
    """What the meter told of a month: by whose usage is meant, the calls of each day, or under None
    those of the month; and whether it was to be taken in whatever it takes away.
    """

    period: Period
    calls: dict[int, Days]
    anyway: bool
    pull: UsagePull


async def pull(turn: Turn) -> Metered | None:
    """A month of some customers, a bill of whom may have gone out."""
    chance, scene, anyway = chance_of(turn), turn.scene, turn.lot.pick % 2 == 0
    customer_id, period = month_of_a_bill(turn)
    told = {customer_id: turn.lot.calls}
    for other in scene.customers:
        if other != customer_id and chance.random() < 0.8:
            told[other] = scene.ledger.used.get((other, period), chance.randrange(3000))
    has_days = chance.random() < 0.7
    calls = {one: _days(chance, period, used, has_days) for one, used in told.items()}
    act = await turn.act(turn.finance())
    period.refuse_if_ahead(act.today)
    query = _query(list(_rows(turn, chance, calls)))
    source, _ = await set_source(turn.session, "metering", "duckdb://", query, act)
    asking = Asking(source, period, act)
    async with asked(asking) as rows:
        done = await take_in(turn.session, asking, rows, timedelta, anyway=anyway)
    whose: dict[int, Days] = {}
    for one, days in calls.items():
        # Of two that are one by now the days are those of one, where none is told twice.
        whose.setdefault(golden.booked(scene.ledger, one, period), {}).update(days)
    turn.told = Metered(period, whose, anyway, done.pull)
    if done.pull.outcome != "applied":
        return None
    scene.unsettled -= {*whose}
    return turn.told


def _days(chance: Random, period: Period, calls: int, has_days: bool) -> Days:
    """Some days of the month, the last of which has what is left."""
    if not has_days:
        return {None: calls}
    days = sorted(chance.sample(range(period.last_day.day), chance.randint(1, 4)))
    *first, last = (period.first_day + timedelta(days=day) for day in days)
    split: Days = dict.fromkeys(first, calls // 5)
    return {**split, last: calls - sum(split.values())}


def _rows(turn: Turn, chance: Random, calls: dict[int, Days]) -> Iterator[str]:
    for customer_id, days in calls.items():
        row = chance.choice(turn.scene.ledger.names[customer_id])
        name = chance.choice(SPELLINGS)(row.name).replace("'", "''")
        for day, used in days.items():
            yield f"('{name}', {used}, {f'date {day.isoformat()!r}' if day else 'null'})"


def _query(rows: list[str]) -> str:
    given = f"(values {', '.join(rows)}) t (customer, calls, day)"
    return f"select customer, calls, day::date as day from {given} where :month_start < :month_end"


async def ask_by_link(turn: Turn) -> LinkedBill:
    """By one that leads to what went out, now and then by one that was taken back."""
    bill = turn.target(lambda bill: bill.number is not None)
    act = await turn.act(turn.finance())
    link = await make_link(turn.session, bill.id, act)
    if turn.lot.calls % 8 == 0:
        await revoke_links(turn.session, bill.id, act)
    linked = await linked_bill(turn.session, link.token, act)
    await record_question(turn.session, linked, f"Why {turn.lot.calls % 5}?", act)
    turn.told = linked
    return linked
