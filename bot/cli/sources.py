"""`countersign sources`."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.cli.output import (
    DONE,
    UNCHANGED,
    Exit,
    opened,
    progress_bar,
    run,
    say,
    say_aside,
    say_flaws,
    say_json,
)
from bot.cli.recalculation_report import recalculation_lines
from bot.settings import BooksSettings, read
from bot.warehouse import pulling
from handlers.wording.formatting import counted, some_of
from handlers.wording.formatting import name as cleaned
from handlers.wording.source_text import ONE_OF_TWO
from models.actions.pull_usage import Checked, PullDone
from models.context import Context, Source
from models.db.columns import Session
from models.errors import Invalid
from models.imports.pulled import Foretold
from models.outbox.notifications import Recalculation
from models.people.users import system_user
from models.period import Period
from models.usage.drivers import missing_driver
from models.usage.pulls import Answer, PullOutcome, UsagePull, last_pulls
from models.usage.source_address import ENGINES
from models.usage.sources import (
    UsageSource,
    set_source,
    source_named,
    sources,
    switch_off_source,
)

KEPT = (
    "The month is in as a whole or not at all. Run the same command again: what is in already stays"
    " as it is."
)


def add(name: str, url: str, query: Path, connect_args: Path | None) -> None:
    run(_add(name, url, query, connect_args))


def check(name: str, period: Period, as_json: bool) -> None:
    run(_check(name, period, as_json), UNCHANGED, as_json, UNCHANGED)


def pull(name: str, period: Period, anyway: bool, as_json: bool) -> None:
    run(_pull(name, period, anyway, as_json), KEPT, as_json, DONE)


def list_all(as_json: bool) -> None:
    run(_list(as_json), UNCHANGED, as_json, UNCHANGED)


def remove(name: str) -> None:
    run(_remove(name))


async def _context(session: Session, settings: BooksSettings) -> Context:
    now = datetime.now(settings.timezone)
    return Context(await system_user(session), now, Source.CLI, settings.billing())


async def _add(name: str, url: str, query: Path, connect_args: Path | None) -> Exit:
    settings = read(BooksSettings)
    args = _json_of(connect_args) if connect_args else {}
    async with opened(settings.address()) as db, db.transaction() as session:
        context = await _context(session, settings)
        source, is_new = await set_source(session, name, url, _text_of(query), context, args)
    what = "added" if is_new else "changed"
    say(f"{source.name} is {what}: {ENGINES[source.engine]}, {source.url}")
    if missing := missing_driver(source.engine):
        say_aside(f"  {missing}")
    say("  Check a month, then pull it: once one is taken in, it is asked by itself as well.")
    return Exit.DONE


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Invalid(f"{file.name} is not UTF-8.") from None


def _json_of(file: Path) -> Any:
    try:
        return json.loads(_text_of(file))
    except json.JSONDecodeError as error:
        raise Invalid(f"{file.name} is not JSON: {error.msg}, line {error.lineno}.") from None
    except RecursionError:
        raise Invalid(f"{file.name} is nested too deeply.") from None


async def _remove(name: str) -> Exit:
    settings = read(BooksSettings)
    async with opened(settings.address()) as db, db.transaction() as session:
        source = await source_named(session, name)
        await switch_off_source(session, source.id, await _context(session, settings))
    say(f"{source.name} is asked no more; what it told stays.")
    return Exit.DONE


async def _list(as_json: bool) -> Exit:
    settings = read(BooksSettings)
    async with opened(settings.address()) as db, db.transaction() as session:
        found, pulls = await sources(session), await last_pulls(session)
    if as_json:
        say_json({"sources": [_source_facts(one, pulls.get(one.id)) for one in found]})
        return Exit.DONE
    for one in found:
        say(f"{one.name}: {ENGINES[one.engine]}, {one.url}")
        if last := pulls.get(one.id):
            at = f"{last.started_at.astimezone(settings.timezone):%Y-%m-%d %H:%M}"
            say(f"  {last.period}, {at}: {_OUTCOMES[PullOutcome(last.outcome)]}")
    if not found:
        say("There is no source yet.")
    return Exit.DONE


_OUTCOMES = {
    PullOutcome.APPLIED: "taken in",
    PullOutcome.UNCHANGED: "nothing to do",
    PullOutcome.REFUSED: "refused, its rows have faults",
    PullOutcome.FAILED: "it could not be asked",
    PullOutcome.HELD: "held, nothing was changed",
    PullOutcome.CHECKED: "checked",
}


def _source_facts(source: UsageSource, last: UsagePull | None) -> dict[str, Any]:
    told = {
        "name": source.name,
        "engine": source.engine,
        "url": source.url,
        "query_hash": source.query_hash,
    }
    return told | ({"last_pull": _pull_facts(last)} if last else {})


def _pull_facts(pull: UsagePull) -> dict[str, Any]:
    names = ("id", "outcome", "reason", "rows", "total", "checksum", "duration_ms", "started_at")
    facts = {name: getattr(pull, name) for name in names}
    return {**facts, "month": str(pull.period), "engine_version": pull.engine_version}


async def _check(name: str, period: Period, as_json: bool) -> Exit:
    settings = read(BooksSettings)
    with progress_bar(f"Asking {name}") as progress:
        async with opened(settings.address()) as db:
            async with db.transaction() as session:
                source, context = (
                    await source_named(session, name),
                    await _context(session, settings),
                )
            checked = await pulling.check(db, source.id, period, context, progress)
    if as_json:
        say_json(_checked_facts(checked))
    else:
        say("\n".join(_checked_lines(source, period, checked, settings.timezone)))
        say_flaws(checked.bad.flaws if checked.bad else ())
    return Exit.REFUSED if checked.bad else Exit.DONE


def _checked_facts(checked: Checked) -> dict[str, Any]:
    answer, bad = checked.answer, checked.bad
    faults = {"faults": bad.total, "refused": [vars(one) for one in bad.flaws]} if bad else {}
    told = {"rows": answer.rows, "total": answer.total, "engine_version": answer.engine_version}
    facts = {"dry_run": True, **told, **_foretold_facts(checked.foretold), **faults}
    return {**facts, "held": checked.held}


def _foretold_facts(told: Foretold) -> dict[str, Any]:
    named = {
        name: [one._asdict() for one in getattr(told, name)] for name in ("biggest", "overlaps")
    }
    return vars(told) | named


def _checked_lines(
    source: UsageSource, period: Period, checked: Checked, zone: ZoneInfo
) -> Iterator[str]:
    answer = checked.answer
    yield (
        f"{source.name}, {period}: {_answered(answer)},"
        f" by {ENGINES[source.engine]} {answer.engine_version or ''}".rstrip()
    )
    yield "Nothing was written. This is what would be:"
    yield from _foretold_lines(checked.foretold, zone)
    changed = [one for one in checked.foretold.biggest if one.before is not None]
    yield from (
        f"  {cleaned(one.customer)}: {one.before:,} before, {one.after:,} now" for one in changed
    )
    if checked.held:
        yield f"  pulling it would wait for a word: {checked.held}"
    if checked.bad:
        yield f"  {counted(checked.bad.total, 'row')} refused, because of which nothing would be"


def _answered(told: Answer | UsagePull) -> str:
    return f"{counted(told.rows or 0, 'row')}, {counted(int(told.total or 0), 'call')}"


def _foretold_lines(told: Foretold, zone: ZoneInfo) -> Iterator[str]:
    yield f"  {told.added:,} added, {told.changed:,} changed, {told.unchanged:,} unchanged"
    if told.to_zero:
        yield f"  {told.to_zero:,} of {told.recorded:,} customers with calls would have none"
    for what, count, names in (
        ("no customer here has the name", told.unknown, told.unknown_names),
        ("in contract, and not in the source", told.missing, told.missing_names),
    ):
        if count:
            yield f"  {what}: {_quoted(names, count)}"
    for one in told.overlaps:
        at = f"{one.pulled_at.astimezone(zone):%Y-%m-%d %H:%M}"
        whom = _quoted(one.names, one.customers)
        yield f"  also told by {cleaned(one.source)}, pulled {at}: {whom}"
    if told.overlaps:
        yield f"  {ONE_OF_TWO}"


def _quoted(names: Sequence[str], count: int) -> str:
    return some_of([f"“{cleaned(one)}”" for one in names], count)


async def _pull(name: str, period: Period, anyway: bool, as_json: bool) -> Exit:
    settings = read(BooksSettings)
    with progress_bar(f"Pulling {name}") as progress:
        async with opened(settings.address()) as db:
            async with db.transaction() as session:
                source = await source_named(session, name)
                context = await _context(session, settings)
            done = await pulling.pull(
                db, source.id, period, context, anyway=anyway, progress=progress
            )
    if as_json:
        say_json(_done_facts(done))
    else:
        say("\n".join(_done_lines(source, done, settings.timezone)))
    return Exit.REFUSED if done.pull.outcome == PullOutcome.HELD else Exit.DONE


def _done_facts(done: PullDone) -> dict[str, Any]:
    bills = done.recalculated
    told = {"bills": bills.counts} if bills != Recalculation() else {}
    return {**_pull_facts(done.pull), **_foretold_facts(done.foretold), **told}


def _done_lines(source: UsageSource, done: PullDone, zone: ZoneInfo) -> Iterator[str]:
    pull = done.pull
    outcome = _OUTCOMES[PullOutcome(pull.outcome)]
    yield f"{source.name}, {pull.period}: {_answered(pull)}: {outcome}."
    if pull.reason:
        yield f"  {pull.reason} To take it in all the same, add --anyway."
    yield from _foretold_lines(done.foretold, zone)
    yield from recalculation_lines(done.recalculated)
