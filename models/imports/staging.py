"""A file on its way in: copied as text, checked by one statement, ready to be merged.

`staged` holds the text with its line numbers. `ready` holds each row's values as the database
knows them, and whether the row is sound. Both are gone when the transaction ends.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.customers.look_alikes import KNOWN_NAMES, look_alikes, scripts
from models.db.database import on_driver
from models.db.locks import lock_for_import
from models.imports.csv_columns import SHOWN_CHARS, Column, clock
from models.imports.rows import MOST_ALIKE, AlikeFlaws, BadRows, Flaw, Flaws, Rows

WORK_MEM = "64MB"
"""So that a million rows are matched and sorted in memory."""

Progress = Callable[[int, int], None]
"""Called with the bytes read and the bytes in all."""

Lock = Callable[[AsyncSession, str], Awaitable[None]]


@dataclass(frozen=True)
class Unique:
    """`key` is the same in no two rows; where it is, `column` is at fault."""

    column: str
    key: str
    reason: str


@dataclass(frozen=True)
class Naming:
    """`column` names customers. A name of nobody, as `strangers` queries `line` and `name`, is
    refused where it only looks like one that is `known`; `advice` says what to do about it.
    """

    column: str
    advice: str
    strangers: str = "select line, name from ready where customer_id is null"
    known: str = KNOWN_NAMES


@dataclass(frozen=True)
class Layout:
    """A kind of file: its columns, the tables they are matched with, what may not repeat.

    `joins` match `s`, a row as text, with what is there; `matched` are further values of
    `ready` taken from them. For the names in the column `called`, `s` has their `name_key` too: as
    a column it has statistics, by which a million are matched at once and not one by one. `locked`
    is the table the file is merged into. `passed_over` are columns that an export has besides.
    `beside` names for a column the one that has to be there with it, since they mean something
    together. Where the file lacks an optional column that is needed, so has each row that `is_new`,
    a condition on `ready`. `checks` are queries of `ready` for what else is wrong: the line, the
    column and the reason.
    """

    columns: tuple[Column, ...]
    locked: str
    joins: str
    unique: tuple[Unique, ...]
    matched: tuple[str, ...] = ()
    called: str | None = None
    passed_over: frozenset[str] = frozenset()
    beside: Mapping[str, str] = field(default_factory=dict)
    is_new: str = "false"
    checks: tuple[str, ...] = ()
    naming: Naming | None = None


async def stage(
    session: AsyncSession,
    rows: Rows,
    layout: Layout,
    today: date,
    progress: Progress | None,
    lock: Lock = lock_for_import,
) -> tuple[list[Column], int]:
    """Leave the rows in `ready`; returns the columns they have and their number.

    From here to the end of the transaction nobody else writes to the layout's table, so what
    was matched stays true; `lock` may keep less from changing, where the rows are about less.
    Raises BadRows where anything at all is wrong.
    """
    rows.pass_over(layout.passed_over)
    columns = _given(rows, layout)
    await _copy(session, rows, columns, layout, progress)
    await lock(session, layout.locked)
    matched = f"staged s {layout.joins} cross join ({clock(today)}) clock"
    count = await _check(session, columns, layout, matched)
    await _gather_flaws(session, columns, layout, matched, rows)
    if layout.naming:
        await _gather_look_alikes(session, rows.flaws, layout.naming)
    if rows.flaws.total:
        raise BadRows(rows.flaws)
    return columns, count


def _given(rows: Rows, layout: Layout) -> list[Column]:
    """The rows' columns in their own order; refuses a header that does not fit."""
    header, line, naming = rows.header, rows.header_line, rows.naming
    known = {column.name: column for column in layout.columns}
    there_are = f"there are {', '.join(known)}"
    if line and not known.keys() & set(header):
        raise BadRows([Flaw(line, "", f"this first line names no column; {there_are}")])
    flaws = [
        Flaw(line, name, f"{naming} names this column twice")
        for name, times in sorted(Counter(header).items())
        if times > 1
    ]
    flaws += [
        Flaw(line, name, f"there is no such column; {there_are}")
        for name in dict.fromkeys(header)
        if name not in known
    ]
    flaws += [
        Flaw(line, column.name, f"{naming} lacks this column")
        for column in layout.columns
        if column.name not in header and not column.optional
    ]
    flaws += [
        Flaw(line, other, f"{naming} lacks this column, without which {name} means nothing certain")
        for name, other in layout.beside.items()
        if name in header and other not in header
    ]
    if flaws:
        raise BadRows(flaws)
    return [known[name] for name in header]


async def _copy(
    session: AsyncSession,
    rows: Rows,
    columns: list[Column],
    layout: Layout,
    progress: Progress | None,
) -> None:
    fields = ", ".join(f"{column.name} text" for column in layout.columns)
    if layout.called:
        fields += f", name_key text generated always as (name_key({layout.called})) stored"
    given = ", ".join(column.name for column in columns)
    await session.execute(sa.text(f"set local work_mem = '{WORK_MEM}'"))
    await session.execute(sa.text("drop table if exists pg_temp.staged, pg_temp.ready"))
    await session.execute(
        sa.text(f"create temp table staged (line bigint, {fields}) on commit drop")
    )
    copying = f"copy staged (line, {given}) from stdin (format csv)"
    async with (
        on_driver(session, copying) as connection,
        connection.cursor() as cursor,
        cursor.copy(copying) as copy,
        aclosing(rows.stream([column.read for column in columns])) as batches,
    ):
        async for batch in batches:
            await copy.write(batch)
            if progress:
                progress(*rows.progress)
    await session.execute(sa.text("analyze staged"))


async def _check(session: AsyncSession, columns: list[Column], layout: Layout, matched: str) -> int:
    """Fill `ready`. A row is sound if no value came out null but those that went in empty."""
    values = ", ".join(f"{column.value} as {column.target}" for column in columns)
    must = [column.target for column in columns if column.needed or column.empty]
    may = [column for column in columns if column.target not in must]
    targets = ", ".join(column.target for column in may)
    texts = ", ".join(f"s.{column.name}" for column in may)
    empty = f"num_nulls({texts})" if may else "0"
    nulls = f"num_nulls({targets})" if may else "0"
    created = await session.execute(
        sa.text(f"""
            create temp table ready on commit drop as
            select *, num_nulls({", ".join(must)}) = 0 and {nulls} = empty as sound
            from (
                select s.line, {", ".join((values, *layout.matched))}, {empty} as empty
                from {matched} offset 0
            ) as t
        """)
    )
    await session.execute(sa.text("analyze ready"))
    return created.rowcount  # type: ignore[attr-defined,no-any-return]


async def _gather_flaws(
    session: AsyncSession, columns: list[Column], layout: Layout, matched: str, rows: Rows
) -> None:
    flaws = rows.flaws
    if await session.scalar(sa.text("select exists (select from ready where not sound)")):
        reasons = ", ".join(f"('{column.name}', {column.reason})" for column in columns)
        await _gather(
            session,
            flaws,
            f"""select line, flaw.name, flaw.reason
                from {matched} join ready using (line)
                cross join lateral (values {reasons}) as flaw (name, reason)
                where not sound and flaw.reason is not null""",
        )
    for column in layout.columns:
        if column.needed and column not in columns:
            await _gather(
                session,
                flaws,
                f"""select line, '{column.name}', 'the header lacks this column, which “'
                        || left(name, {SHOWN_CHARS}) || '” needs: nobody is called so yet'
                    from ready where sound and {layout.is_new}""",
            )
    for unique in layout.unique:
        await _gather(
            session,
            flaws,
            f"""select line, '{unique.column}', '{unique.reason} as {rows.counted} ' || first
                from (
                    select line, min(line) over (partition by {unique.key}) as first
                    from ready
                    where num_nulls({unique.key}) = 0 and ({unique.key}) in (
                        select {unique.key} from ready
                        group by {unique.key} having count(*) > 1)
                ) as repeated
                where line > first""",
        )
    for check in layout.checks:
        await _gather(session, flaws, check)


_ANYBODY_UNKNOWN = sa.text("select exists (select from ready where customer_id is null)")


async def _gather_look_alikes(session: AsyncSession, flaws: Flaws, naming: Naming) -> None:
    if not await session.scalar(_ANYBODY_UNKNOWN):
        return
    found = f"""
        select min(line), '{naming.column}', '“' || left(name, {SHOWN_CHARS})
            || '” only looks like “' || left(looks_like, {SHOWN_CHARS})
            || '”: they differ in letters of another script; {naming.advice}'
        from ({look_alikes(naming.strangers, naming.known)}) l group by name, looks_like"""
    await _gather(session, flaws, found, scripts())


async def _gather(
    session: AsyncSession, flaws: Flaws, query: str, values: Mapping[str, Any] | None = None
) -> None:
    """Add what the query finds: the first lines one by one, and all of them by what is alike."""
    found = f"with found (line, name, reason) as materialized ({query})"
    told = await session.execute(
        sa.text(
            f"{found} select line, name, reason, count(*) over () from found"
            f" order by line, name limit {flaws.most}"
        ),
        values,
    )
    rows = told.all()
    first = [Flaw(*row[:3]) for row in rows]
    if not rows or rows[0][3] == len(rows):
        flaws.add(*first)
        return
    alike = await session.execute(
        sa.text(
            f"{found} select min(line), name, reason, count(*) from found"
            f" group by name, reason order by 1, 2 limit {MOST_ALIKE}"
        ),
        values,
    )
    flaws.take(first, rows[0][3], (AlikeFlaws(*row) for row in alike))
