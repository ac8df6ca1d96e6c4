"""Finding a customer by what a person typed."""

import heapq
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from rapidfuzz import fuzz
from sqlalchemy import Row
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from models.customers.customers import Customer, get_customer
from models.customers.names import CustomerName
from models.errors import Ambiguous, NextStep, NoCustomer, Step
from models.text import cleaned_name

CHOICES = 5
CANDIDATES = 500
NEARBY = 5_000
LOOKED_THROUGH = 100_000
MOST_CHARS, MOST_PIECES = 100, 12
ALIKE = 60.0
"""From this percentage of letters in common on, a name may be the one that was meant."""

SEEN = 50
"""So many names are looked at for customers that begin as typed."""

_KEY = CustomerName.name_key


async def find_customer(session: AsyncSession, typed: str) -> Customer:
    """The customer meant by `typed`: by a name it has or had, a prefix of one, else the closest.

    Case, Unicode form, width, invisible signs, runs of blanks and quotation marks around it make no
    difference. One that was merged into another is that other one. Refuses a name that fits several
    or none; the refusal carries the nearest names.
    """
    named = await find_named(session, typed)
    return await get_customer(session, named.merged_into_id or named.id)


async def find_named(session: AsyncSession, typed: str) -> Customer:
    """The same, but the customer whose name that was, though it be merged into another by now."""
    customer = await find_exactly(session, typed)
    if customer is not None:
        return customer
    typed = cleaned_name(typed)
    key = await session.scalar(sa.select(sa.func.name_key(typed))) or ""
    found = await _beginning(session, key) if key else {}
    if len(found) == 1:
        [(customer, _)] = found.values()
        return customer
    if not found:
        raise await _closest(session, typed, key)
    names = [name for _, name in found.values()][:CHOICES]
    many = "More than five" if len(found) > CHOICES else "Several"
    raise Ambiguous(f"{many} customers begin with “{typed}”. Which one?", names)


async def find_exactly(session: AsyncSession, typed: str) -> Customer | None:
    """The customer whose name this is or was, and not only begins so.

    A name that was kept in quotation marks once is found by itself.
    """
    as_typed = sa.func.name_key(typed)
    is_called = (
        sa.select(Customer)
        .join(CustomerName, CustomerName.customer_id == Customer.id)
        .where(_KEY.in_((as_typed, sa.func.name_key(cleaned_name(typed)))))
        .order_by(as_typed != _KEY)
    )
    return (await session.scalars(is_called.limit(1))).one_or_none()


async def _beginning(session: AsyncSession, key: str) -> dict[int, tuple[Customer, str]]:
    """By the id of the customer of today: one with a name that begins so, and the first such."""
    begins = (
        sa.select(Customer, CustomerName.name)
        .join(CustomerName, CustomerName.customer_id == Customer.id)
        .where(sa.func.starts_with(_KEY, key))
        .order_by(_KEY)
        .limit(SEEN)
    )
    found: dict[int, tuple[Customer, str]] = {}
    for customer, name in await session.execute(begins):
        found.setdefault(customer.merged_into_id or customer.id, (customer, name))
    return found


@dataclass(frozen=True)
class Suggestion:
    """A customer that may be meant, and a name it has or had that is why."""

    customer_id: int
    name: str
    found_as: str


async def suggest_customers(session: AsyncSession, typed: str, most: int) -> list[Suggestion]:
    """Customers by the beginning of a name they have or had, then by a part of one, and where there
    is no such name by the nearest; each once, at most so many. Parts are looked for in the first
    100,000 names, so that an answer comes while somebody types, however many there are.
    """
    key = await session.scalar(sa.select(sa.func.name_key(cleaned_name(typed)))) or ""
    key = key[:MOST_CHARS]
    found = await _suggested(session, sa.func.starts_with(_KEY, key), most)
    if key and len(found) < most:
        within = await _suggested(session, _KEY.in_(_holding(key, most)), most)
        found |= {one: named for one, named in within.items() if one not in found}
    if key and not found:
        names = _ranked(key, await session.execute(_candidates(key)))
        found = await _suggested(session, CustomerName.name.in_(names), most)
    return list(found.values())[:most]


def _holding(key: str, most: int) -> sa.Select[str]:
    """Names with this in them, among so many as are looked through while somebody types: found in
    their index alone, and only what is found is looked up.
    """
    names = sa.select(_KEY).order_by(_KEY).limit(LOOKED_THROUGH).subquery()
    held = sa.func.strpos(names.c.name_key, key) > 1
    return sa.select(names.c.name_key).where(held).limit(most)


async def _suggested(
    session: AsyncSession, named: sa.ColumnElement[bool], most: int
) -> dict[int, Suggestion]:
    today = aliased(Customer)
    query = (
        sa.select(today.id, today.name, CustomerName.name)
        .join(Customer, CustomerName.customer_id == Customer.id)
        .join(today, today.id == sa.func.coalesce(Customer.merged_into_id, Customer.id))
        .where(named)
        .order_by(_KEY)
        .limit(most)
    )
    found: dict[int, Suggestion] = {}
    for row in await session.execute(query):
        found.setdefault(row[0], Suggestion(*row))
    return found


async def _closest(session: AsyncSession, typed: str, key: str) -> NoCustomer:
    """Names that hold what was typed, then those that are spelt most like it."""
    needle = key[:MOST_CHARS]
    names = _ranked(needle, await session.execute(_candidates(needle))) if needle else []
    if names:
        asked = f"No customer is called “{typed}”. Did you mean one of these?"
        return NoCustomer(asked, names, is_guess=True)
    none = NoCustomer(f"No customer is called “{typed}”, or anything like it.", [], is_guess=True)
    none.next_steps = (NextStep(Step.SEE_CUSTOMERS),)
    return none


def _candidates(needle: str) -> sa.Select[str, str]:
    """Names with the same first letter or three letters in a row in common, the likelier first."""
    near = _nearby(needle)
    pieces = sorted({needle[at : at + 3] for at in range(max(1, len(needle) - 2))})[:MOST_PIECES]
    held = [sa.func.strpos(near.c.name_key, piece) > 0 for piece in pieces]
    common = sum((sa.cast(one, sa.Integer) for one in held), sa.literal(0))
    longer = sa.func.abs(sa.func.length(near.c.name_key) - len(needle))
    return (
        sa.select(near.c.name, near.c.name_key)
        .where(sa.or_(*held, sa.func.starts_with(near.c.name_key, needle[0])))
        .order_by(common.desc(), longer, near.c.name_key)
        .limit(CANDIDATES)
    )


def _nearby(needle: str) -> sa.Subquery:
    """The names around the place where the needle would stand, and around that of its mirror image
    among theirs: a slip at one end leaves the other end as it is. Of a few thousand names, all.
    """
    windows = [
        sa.select(CustomerName.name, _KEY).where(beside).order_by(order).limit(NEARBY)
        for key, at in ((_KEY, needle), (sa.func.reverse(_KEY), needle[::-1]))
        for beside, order in ((key >= at, key), (key < at, key.desc()))
    ]
    return sa.union(*windows).subquery()


def _ranked(needle: str, candidates: Iterable[Row[str, str]]) -> list[str]:
    """The few likest; the beginning of a longer name counts as the whole does, but after it."""
    ranked = []
    for name, key in candidates:
        whole = fuzz.ratio(needle, key)
        beginning = fuzz.ratio(needle, key[: len(needle)])
        nearest = 100.0 if needle in key else max(whole, beginning)
        if nearest >= ALIKE:
            ranked.append((-nearest, -whole, key, name))
    return [name for *_, name in heapq.nsmallest(CHOICES, ranked)]


WORDS_LOOKED_AT, WORDS_OF_A_NAME = 20, 4
LEAST_CHARS = 3
"""A shorter piece of a sentence is no beginning of a name."""


async def find_within(session: AsyncSession, text: str, ordinary: Collection[str]) -> str:
    """The name of the customer that a sentence speaks of by its whole name, of several the longest,
    or by a word with which the names of one alone begin; "" where there is none. `ordinary` words
    alone are none.
    """
    words = text.split()[:WORDS_LOOKED_AT]
    pieces = [
        " ".join(words[start : start + count])
        for count in range(WORDS_OF_A_NAME, 0, -1)
        for start in range(len(words) - count + 1)
    ]
    told = [one for one in pieces if one.casefold() not in ordinary]
    keys = sa.select(sa.func.name_key(sa.func.unnest(sa.cast(told, ARRAY(sa.Text)))))
    whole = (
        sa.select(Customer)
        .join(CustomerName, CustomerName.customer_id == Customer.id)
        .where(_KEY.in_(keys))
        .order_by(sa.func.length(_KEY).desc(), _KEY)
    )
    if (named := await session.scalar(whole.limit(1))) is not None:
        return named.name
    for word in told:
        if " " in word or len(word) < LEAST_CHARS:
            continue
        key = await session.scalar(sa.select(sa.func.name_key(word))) or ""
        found = await _beginning(session, key) if key else {}
        if len(found) == 1:
            return next(iter(found.values()))[0].name
    return ""
