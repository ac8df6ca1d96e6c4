"""Finding a customer by what a person typed."""

import heapq
from collections.abc import Iterable

import sqlalchemy as sa
from rapidfuzz import fuzz
from sqlalchemy.ext.asyncio import AsyncSession

from models.customers.customers import Customer
from models.errors import Ambiguous

CHOICES = 5
CANDIDATES = 500
MOST_CHARS, MOST_PIECES = 100, 12
ALIKE = 60.0
"""From this percentage of letters in common on, a name may be the one that was meant."""

_NAME = sa.func.lower(Customer.name.collate("pg_c_utf8"))


async def find_customer(session: AsyncSession, typed: str) -> Customer:
    """The customer meant by `typed`: its exact name, any case, a prefix, else the closest name.

    Refuses a name that fits several or none; the refusal carries the nearest names.
    """
    folded = sa.func.lower(sa.literal(typed.strip()).collate("pg_c_utf8"))
    exact = await session.scalars(sa.select(Customer).where(folded == _NAME))
    customer = exact.one_or_none()
    if customer is not None:
        return customer
    begins = sa.select(Customer).where(sa.func.starts_with(_NAME, folded)).order_by(_NAME)
    candidates = (await session.scalars(begins.limit(CHOICES + 1))).all() if typed.strip() else ()
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise await _closest(session, typed)
    names = [candidate.name for candidate in candidates[:CHOICES]]
    many = "More than five" if len(candidates) > CHOICES else "Several"
    raise Ambiguous(f"{many} customers begin with “{typed}”. Which one?", names)


async def _closest(session: AsyncSession, typed: str) -> Ambiguous:
    """Names that hold what was typed, then those that are spelt most like it."""
    needle = typed.strip().lower()[:MOST_CHARS]
    names = _ranked(needle, await session.scalars(_candidates(needle))) if needle else []
    if names:
        return Ambiguous(f"No customer is called “{typed}”. Did you mean one of these?", names)
    return Ambiguous(f"No customer is called “{typed}”, or anything like it.", [])


def _candidates(needle: str) -> sa.Select[tuple[str]]:
    """Names with the same first letter or three letters in a row in common, the likelier first."""
    folded = sa.select(Customer.name, _NAME.label("folded")).cte("folded")
    folded = folded.prefix_with("MATERIALIZED")
    pieces = sorted({needle[at : at + 3] for at in range(max(1, len(needle) - 2))})[:MOST_PIECES]
    held = [sa.func.strpos(folded.c.folded, piece) > 0 for piece in pieces]
    common = sum((sa.cast(one, sa.Integer) for one in held), sa.literal(0))
    longer = sa.func.abs(sa.func.length(folded.c.folded) - len(needle))
    return (
        sa.select(folded.c.name)
        .where(sa.or_(*held, sa.func.starts_with(folded.c.folded, needle[0])))
        .order_by(common.desc(), longer, folded.c.folded)
        .limit(CANDIDATES)
    )


def _ranked(needle: str, candidates: Iterable[str]) -> list[str]:
    """The few likest; the beginning of a longer name counts as the whole does, but after it."""
    ranked = []
    for name in candidates:
        folded = name.lower()
        whole = fuzz.ratio(needle, folded)
        beginning = fuzz.ratio(needle, folded[: len(needle)])
        nearest = 100.0 if needle in folded else max(whole, beginning)
        if nearest >= ALIKE:
            ranked.append((-nearest, -whole, folded, name))
    return [name for *_, name in heapq.nsmallest(CHOICES, ranked)]
