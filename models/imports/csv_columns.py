"""What a column of an imported file is: how its texts are read, and what it means to the database.

A kind reads a text first, in Python: what can be read arrives in the staged table as PostgreSQL
casts it, and what cannot as a mark with the reason behind it. What only the database knows, `ok`
says in SQL of the text as it was read, `{v}`, which is never null; `reasons` explain a no, first
match first. `clock` is the day of the import, as texts: its `year`, its `month`, and the `latest`
day that a contract may name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from models.errors import Unreadable

YEARS_AHEAD = 20
UNREADABLE = "\x01"
"""Stands before the reason why a text cannot be read; no text begins with it."""

Reading = Callable[[str, bool], str]
"""The text as PostgreSQL casts it; raises Unreadable. The flag: whether the file has semicolons,
as those have whose writer's decimal sign is the comma.
"""


def clock(today: date) -> str:
    """The day of an import, as a query."""
    latest = f"{today.year + YEARS_AHEAD}-{today:%m}-28"
    return f"select '{today.year}' as year, '{today:%m}' as month, '{latest}' as latest"


def _unchanged(text: str, _: bool) -> str:
    return text


@dataclass(frozen=True)
class ColumnKind:
    read: Reading = _unchanged
    value: str = "{v}"
    ok: str = "true"
    reasons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Column:
    """`name` in the file, `target` in the database.

    `needed`: a value in each row; `empty`: what no value means, else null; `optional`: the
    file may leave the whole column out.
    """

    name: str
    kind: ColumnKind
    target: str
    needed: bool = False
    empty: str | None = None
    optional: bool = False

    def read(self, text: str, semicolons: bool) -> str:
        """The text as it is staged, with the reason where it cannot be read."""
        if not text:
            return text
        try:
            return self.kind.read(text, semicolons)
        except Unreadable as refused:
            return f"{UNREADABLE}{_quoted(text)} {refused.reason}"

    @property
    def value(self) -> str:
        """The column's value, null where it is empty, could not be read or is not `ok`."""
        text = f"s.{self.name}"
        return (
            f"case when {text} is null then {self.empty or 'null'}"
            f" when starts_with({text}, {_literal(UNREADABLE)}) then null"
            f" when {self._fill(self.kind.ok)} then {self._fill(self.kind.value)} end"
        )

    @property
    def reason(self) -> str:
        """Why the column's text is refused; null where it is not."""
        text = f"s.{self.name}"
        missing = "'a value is needed here'" if self.needed else "null"
        quoted = f"'“' || left({text}, {SHOWN_CHARS}) || '” '"
        why = "".join(
            f" when {self._fill(condition)} then {quoted} || {_literal(reason)}"
            for condition, reason in self.kind.reasons
        )
        return (
            f"case when {text} is null then {missing}"
            f" when starts_with({text}, {_literal(UNREADABLE)}) then substr({text}, 2)"
            f" when {self._fill(self.kind.ok)} then null{why} end"
        )

    def _fill(self, sql: str) -> str:
        return sql.replace("{v}", f"s.{self.name}")


SHOWN_CHARS = 60


def _quoted(text: str) -> str:
    return f"“{' '.join(text[:SHOWN_CHARS].splitlines())}”"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
