"""Sources of usage, and what came of asking them, in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from handlers.wording.formatting import (
    calls,
    counted,
    name,
    number,
    period_name,
    person,
    sentence,
    some_of,
)
from handlers.wording.rich_text import Sentence, bold
from models.context import Source
from models.named_people import PersonRef
from models.usage.pulls import PullOutcome, UsagePull
from models.usage.source_address import ENGINES
from models.usage.sources import UsageSource

OUTCOME_WORDS: Mapping[PullOutcome, tuple[str, str]] = {
    PullOutcome.APPLIED: ("good", "Taken in"),
    PullOutcome.UNCHANGED: ("good", "Unchanged"),
    PullOutcome.CHECKED: ("off", "Looked at"),
    PullOutcome.HELD: ("wait", "Waits for your word"),
    PullOutcome.REFUSED: ("bad", "Refused"),
    PullOutcome.FAILED: ("bad", "Failed"),
}
"""Of each outcome the tone and the word."""

_COUNTED = {
    "added": "added",
    "changed": "changed",
    "unchanged": "unchanged",
    "to_zero": "to zero",
    "unknown": "unknown here",
    "missing": "in contract, but missing there",
    "overlapping": "also told by another source",
}


_BESIDE = ("unknown", "missing", "overlapping")


def engine_name(source: UsageSource) -> str:
    return ENGINES[source.engine]


def source_state(source: UsageSource) -> tuple[str, str]:
    """Its tone and its word."""
    return ("good", "On") if source.switched_off_at is None else ("off", "Switched off")


def outcome_label(pull: UsagePull) -> tuple[str, str]:
    return OUTCOME_WORDS[PullOutcome(pull.outcome)]


def counts_text(pull: UsagePull) -> str:
    """How many customers of what; empty where nothing was counted."""
    told = [
        f"{number(pull.counts[key])} {words}" for key, words in _COUNTED.items() if _told(pull, key)
    ]
    return ", ".join(told)


def _told(pull: UsagePull, key: str) -> bool:
    return bool(pull.counts.get(key)) or (key == "added" and key in pull.counts)


def answer_text(pull: UsagePull) -> str:
    """What the engine answered, as a whole."""
    if pull.rows is None:
        return ""
    total = f", {calls(int(pull.total))}" if pull.total is not None else ""
    return f"{counted(pull.rows, 'row')}{total}"


def pull_text(pull: UsagePull, source: UsageSource) -> Sentence:
    """What came of it, and when."""
    return [
        bold(name(source.name)),
        f" was asked for {period_name(pull.period)}, ",
        pull.started_at,
        f": {outcome_text(pull)}",
    ]


def outcome_text(pull: UsagePull) -> str:
    """What came of it, as the end of a sentence."""
    return _CAME_OF_IT[PullOutcome(pull.outcome)](pull)


def _applied(pull: UsagePull) -> str:
    return f"{answer_text(pull)}; {counts_text(pull)}."


def _unchanged(pull: UsagePull) -> str:
    others = filter(None, (_count(pull, key) for key in _BESIDE))
    known = counted(pull.counts.get("unchanged", 0), "figure")
    return f"{answer_text(pull)}; {', '.join([f'{known} recorded already', *others])}."


def _checked(pull: UsagePull) -> str:
    held = f" Pulling it would wait for your word: {pull.reason}" if pull.reason else ""
    would = [_count(pull, key) for key in ("added", "changed", "unchanged", "to_zero")]
    besides = ", ".join(filter(None, (_count(pull, key) for key in _BESIDE)))
    told = f"it would be {', '.join(filter(None, would))}" if any(would) else "nothing would change"
    beside = f"; {besides}" if besides else ""
    return f"{answer_text(pull)}; {told}{beside}. Nothing was written.{held}"


def _count(pull: UsagePull, key: str) -> str:
    return f"{number(pull.counts[key])} {_COUNTED[key]}" if pull.counts.get(key) else ""


def _refused_answer(pull: UsagePull) -> str:
    return sentence(pull.reason or "")


def _because(pull: UsagePull) -> str:
    return f"{sentence(pull.reason or '')} Nothing was changed."


_CAME_OF_IT = {
    PullOutcome.APPLIED: _applied,
    PullOutcome.UNCHANGED: _unchanged,
    PullOutcome.CHECKED: _checked,
    PullOutcome.HELD: _because,
    PullOutcome.REFUSED: _refused_answer,
    PullOutcome.FAILED: _because,
}


ADDRESSES = {
    "DuckDB": "duckdb:////srv/usage/events.duckdb",
    "PostgreSQL": "postgresql://reader:${WAREHOUSE_PASSWORD}@warehouse:5432/events",
    "ClickHouse": "clickhousedb://reader:${WAREHOUSE_PASSWORD}@warehouse:8443/events?secure=true",
    "Spark": "hive://reader@warehouse:10000/events",
    "Snowflake": "snowflake://reader:${WAREHOUSE_PASSWORD}@account/events/public?warehouse=BILLING",
    "BigQuery": "bigquery://project/events",
    "Trino": "trino://reader:${WAREHOUSE_PASSWORD}@warehouse:443/hive/events",
    "Databricks": "databricks://token:${WAREHOUSE_TOKEN}@host?http_path=/sql/1.0/warehouses/1&catalog=events",
}
"""How the address of each engine looks."""


def took_text(pull: UsagePull) -> str:
    """As in "0.4 s"."""
    return f"{number(pull.duration_ms // 1000)}.{pull.duration_ms % 1000 // 100} s"


def asked_by(pull: UsagePull, by: PersonRef) -> str:
    return "by the clock" if pull.source == Source.CLOCK else person(by)


def engine_text(pull: UsagePull) -> str:
    return " ".join(filter(None, (ENGINES.get(pull.engine, pull.engine), pull.engine_version)))


def overlaps_text(pull: UsagePull) -> list[Sentence]:
    """Whom other sources tell of as well, a sentence a source, and what to do about it."""
    told = [_overlap(one) for one in pull.found.get("overlaps", ())]
    return [*told, [ONE_OF_TWO]] if told else []


ONE_OF_TWO = "The last word counts, and each writes over the other: leave them out of one of both."


def _overlap(found: Mapping[str, Any]) -> Sentence:
    return [
        f"Also told by {name(found['source'])}, pulled ",
        datetime.fromisoformat(found["pulled_at"]),
        f": {some_of([*map(name, found['names'])], found['customers'])}.",
    ]


def details_of(pull: UsagePull) -> list[tuple[str, Sequence[Sentence | str]]]:
    """The first of what somebody has to look at, by what it is."""
    found = pull.found
    refused = [_refused(row) for row in found.get("refused", ())]
    changed = [_changed(*row) for row in found.get("changed", ())]
    told: dict[str, Sequence[Sentence | str]] = {
        "Rows that cannot be usage": refused,
        "The biggest changes": changed,
        "Customers that nobody knows here": found.get("unknown", ()),
        "In contract, but missing there": found.get("missing", ()),
        "Told by another source as well": overlaps_text(pull),
    }
    return [(title, rows) for title, rows in told.items() if rows]


def _changed(customer: str, before: int | None, after: int) -> str:
    was = "nothing" if before is None else number(before)
    return f"{name(customer)}: {was} before, {calls(after)} now"


def _refused(row: Mapping[str, Any]) -> str:
    whose = f", “{name(row['customer'])}”" if row.get("customer") else ""
    where = f"row {row['line']}{whose}, " if row["line"] else ""
    column = f"{row['column']}: " if row["column"] else ""
    return f"{where}{column}{row['reason']}"
