"""Steps of whoever keeps the books: files of customers and of usage, names, customers made one.

A file is made from what stands in the ledger, with some of it changed at once: terms, dates of the
contract, rules of approval, approvers, tax and address. Names are written as anybody might.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from random import Random
from typing import Any

from models.actions.merge_customers import merge_customers
from models.actions.recalculate import follow_customers, recalculate
from models.actions.rename_customer import rename_customer
from models.customers.search import find_customer, find_named
from models.imports.files import Imported, import_customers, import_usage
from models.usage.usage import record_usage
from tests.lives import golden
from tests.lives.ledger import Row
from tests.lives.moves import Idle, TermsAsked, Turn
from tests.lives.moves_around import LIMITS, PRICES, month_of_a_bill
from tests.lives.scene import APPROVERS, CURRENCIES, Scene

File = dict[str, Any]

SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    lambda name: name.replace(" ", " \u00a0"),
    lambda name: "\u200e" + name[:2] + "\u200b" + name[2:],
    lambda name: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name),
    lambda name: name[:1] + "\u00ad" + name[1:].lower(),
)
"""Which no reader can tell apart, or only by their case."""

RATES = ("0", "19", "8.1", "20", "0.5%", "7.7")
NOTES = (None, "Reverse charge", "Exempt under article 132")
ADDRESSES = (None, "1 Main Street\nSpringfield", "Rue de Rivoli 5, Paris")


@dataclass(frozen=True)
class RowRead:
    """What a row of a file of customers said, of whom, and what came of it."""

    customer_id: int
    file: File
    imported: Imported


@dataclass(frozen=True)
class Found:
    """What was asked for, who is meant by it, and who was found."""

    typed: str
    expected: tuple[int, int]
    found: tuple[int, int]


async def import_customer(turn: Turn) -> RowRead:
    """A row about a customer that is known, and what follows for bills, as the command does it."""
    chance = chance_of(turn)
    name, customer = _called(turn.scene, chance)
    act = await turn.act(turn.finance())
    valid_from = chance.choice((None, None, None, -2, -1, 0, 1))
    asked = None if valid_from is None else turn.scene.month.plus(valid_from)
    file = _as_it_stands(turn.scene, customer)
    for change in chance.sample(CHANGES, chance.choice((0, 1, 2, 3, len(CHANGES)))):
        file |= change(turn.scene, customer, chance)
    row = {"name": name, **file, **({"valid_from": asked} if asked else {})}
    imported = await import_customers(turn.session, written([row]), act.user, act.now)
    terms = (file[name] for name in ("currency", "monthly_api_limit", "overage_unit_cost"))
    turn.asked = TermsAsked(customer.id, asked, *terms)
    turn.told = RowRead(customer.id, file, imported)
    again = await import_customers(turn.session, written([row]), act.user, act.now)
    assert (again.written, again.unchanged) == (0, 1), "the same file changed something"
    turn.scene.unsettled.clear()
    await follow_customers(turn.session, act)
    return turn.told


def written(rows: list[File]) -> BytesIO:
    text = StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return BytesIO(text.getvalue().encode())


def _as_it_stands(scene: Scene, customer: Row) -> File:
    """As an export has it, with the terms of this month."""
    names = {user.id: user.name for user in scene.ledger.users}
    terms = golden.in_force(scene.ledger, customer.id, scene.month)
    return {
        "csm": names.get(customer.csm_id),
        "sales": names.get(customer.sales_id),
        "currency": terms.currency,
        "monthly_api_limit": terms.monthly_api_limit,
        "overage_unit_cost": terms.overage_unit_cost,
        **{name: getattr(customer, name) for name in _KEPT},
    }


_KEPT = (
    *("billing_address", "billing_email", "start_date", "end_date", "limit_proration"),
    *("require_csm_approval", "require_sales_approval"),
    *("auto_approve_below", "second_approval_above"),
    *("country", "tax_id", "tax_rate_percent", "tax_note", "payment_days"),
)


def _other_terms(scene: Scene, customer: Row, chance: Random) -> File:
    return {
        "currency": chance.choice((customer.currency, *CURRENCIES)),
        "monthly_api_limit": chance.choice(LIMITS),
        "overage_unit_cost": chance.choice(PRICES),
    }


def _other_dates(scene: Scene, customer: Row, chance: Random) -> File:
    """Without any, begun lately, mistyped by a year, ending soon, or renewed after a gap."""
    today, ended = scene.today, customer.end_date
    gap = timedelta(days=chance.randint(1, 40))
    start, end = chance.choice(
        (
            *((None, None), (today - timedelta(days=40), None), (None, today + timedelta(days=3))),
            (None, today - timedelta(days=chance.choice((20, 370)))),
            *((((ended or today) + gap, None),) * 2),
            ((ended or today) + gap, (ended or today) + 10 * gap),
        )
    )
    proration = chance.choice(("full", "daily"))
    return {"start_date": start, "end_date": end, "limit_proration": proration}


def _other_rules(scene: Scene, customer: Row, chance: Random) -> File:
    return {
        "auto_approve_below": chance.choice((None, 50, 10**6)),
        "second_approval_above": chance.choice((None, None, 100)),
    }


def _other_approvers(scene: Scene, customer: Row, chance: Random) -> File:
    crew = {user.name.lower(): user for user in scene.ledger.users if user.active}
    ready = [crew[name] for name in APPROVERS if name in crew]
    csm = [user.name for user in ready if user.role == "Customer Success"]
    sales = [user.name for user in ready if user.role == "Sales"]
    return {
        "csm": chance.choice((None, *csm)),
        "sales": chance.choice((None, *sales)),
        "require_csm_approval": chance.choice((True, False)),
        "require_sales_approval": chance.choice((True, False)),
    }


def _other_tax(scene: Scene, customer: Row, chance: Random) -> File:
    return {
        "tax_rate_percent": chance.choice(RATES),
        "tax_note": chance.choice(NOTES),
        "tax_id": chance.choice((None, "DE123456789")),
        "country": chance.choice((None, "DE", "FR")),
        "billing_address": chance.choice(ADDRESSES),
        "payment_days": chance.choice((None, 0, 14)),
    }


CHANGES = (_other_terms, _other_dates, _other_rules, _other_approvers, _other_tax)


async def import_late(turn: Turn) -> Any:
    """A file of usage, with nobody seeing to the bills until the next sweep."""
    customer_id, period = month_of_a_bill(turn)
    ledger, chance = turn.scene.ledger, chance_of(turn)
    names = [row.name for row in ledger.names[customer_id]]
    booked = golden.booked(ledger, customer_id, period)
    act = await turn.act(turn.finance())
    row = {
        "customer": chance.choice(SPELLINGS)(chance.choice(names)),
        "year": period.year,
        "month": period.month,
        "api_usage": turn.lot.calls,
    }
    turn.told = (booked, period)
    done = await import_usage(turn.session, written([row]), act.user, act.now)
    if done.written:
        turn.scene.unsettled.add(booked)
    return turn.told if done.written else None


async def rename(turn: Turn) -> Any:
    """To something new, to another spelling, to what it was called, or to what another one is."""
    chance = chance_of(turn)
    known, customer = _called(turn.scene, chance)
    new = f"Acme {turn.lot.calls % 1000} & Sons"
    name = chance.choice((new, new, chance.choice(SPELLINGS)(known)))
    whose = customer.id if not turn.lot.stray else chance.choice(turn.scene.customers)
    act = await turn.act(turn.finance())
    turn.told = name
    return await rename_customer(turn.session, whose, name, act)


async def merge(turn: Turn) -> Any:
    """Two customers turn out to be one; mostly the first has no bill under way."""
    scene, lot = turn.scene, turn.lot
    going_on = {b.customer_id for b in scene.ledger.bills if b.status not in ("sent", "void")}
    likely = [one for one in scene.customers if lot.stray or one not in going_on]
    if not likely:
        raise Idle
    given_up = likely[lot.pick % len(likely)]
    others = [one for one in scene.customers if lot.stray or one != given_up]
    if not others:
        raise Idle
    into = others[lot.calls % len(others)]
    act = await turn.act(turn.finance())
    turn.told = (given_up, into)
    change, _ = await merge_customers(turn.session, given_up, into, act, "Twins")
    scene.unsettled.clear()
    return change


async def count_together(turn: Turn) -> Any:
    """As who wants to merge is told: what both used is recorded for one, and 0 for the other."""
    scene, lot, used = turn.scene, turn.lot, turn.scene.ledger.used
    given_up, into = (scene.customers[n % len(scene.customers)] for n in (lot.pick, lot.calls))
    act = await turn.act(turn.finance())
    of_both = [month for who, month in used if who == given_up != into and (into, month) in used]
    for month in of_both:
        if not golden.billed_by(scene.ledger, given_up, month):
            together = min(used[given_up, month] + used[into, month], 2**63 - 1)
            await record_usage(turn.session, into, month, together, act)
            await record_usage(turn.session, given_up, month, 0, act)
    scene.unsettled.clear()
    turn.told = await recalculate(turn.session, act)
    return turn.told if of_both else None


async def look_up(turn: Turn) -> Found:
    """By any name that a customer has or had, as somebody may type it."""
    chance, ledger = chance_of(turn), turn.scene.ledger
    row = _any_name(turn.scene, chance)
    typed = chance.choice(SPELLINGS)(row.name)
    turn.who = "nobody"
    found = await find_customer(turn.session, typed)
    named = await find_named(turn.session, typed)
    expected = (golden.today_of(ledger, row.customer_id), row.customer_id)
    turn.told = Found(typed, expected, (found.id, named.id))
    return turn.told


def _called(scene: Scene, chance: Random) -> tuple[str, Row]:
    """A name as somebody may write it, and whom an import knows by it."""
    row = _any_name(scene, chance)
    customer = scene.ledger.customer[golden.today_of(scene.ledger, row.customer_id)]
    return chance.choice(SPELLINGS)(row.name), customer


def _any_name(scene: Scene, chance: Random) -> Row:
    """Every other time one by which nobody is called any more, if there is one."""
    ledger = scene.ledger
    called = {one.name for one in ledger.customers if one.merged_into_id is None}
    old = [row for row in ledger.customer_names if row.name not in called]
    return chance.choice(old if old and chance.random() < 0.5 else ledger.customer_names)


def chance_of(turn: Turn) -> Random:
    """Drawn from what chance had for this step, so that a story told again is the same."""
    return Random(repr(tuple(turn.lot)))


def cell(value: Any) -> Any:
    """What the database holds once a file has said this."""
    if isinstance(value, str) and value.removesuffix("%").replace(".", "").isdigit():
        return Decimal(value.removesuffix("%"))
    return value
