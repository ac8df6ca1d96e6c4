"""What a source of usage is asked: one SELECT, between the two instants of a month."""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime

from models.errors import Invalid

MONTH_START, MONTH_END = "month_start", "month_end"
MAX_QUERY_CHARS = 100_000


def _pieces(text: str) -> re.Pattern[str]:
    return re.compile(
        rf"""
        (?P<aside>--[^\n]*|/\*.*?\*/)
      | (?P<quoted>{text}|"(?:[^"]|"")*"|\x60[^\x60]*\x60|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
      | (?P<bind>(?<![:\w]):(?P<name>[A-Za-z_]\w*))
      | (?P<end>;)
        """,
        re.VERBOSE | re.DOTALL,
    )


_STANDARD = _pieces(r"'(?:[^']|'')*'")
_ESCAPED = _pieces(r"'(?:[^'\\]|''|\\.)*'")
_ESCAPING = frozenset({"clickhousedb", "hive", "snowflake", "bigquery", "databricks"})
"""Engines in whose texts a backslash keeps a quotation mark from ending them."""

_READS = re.compile(r"[\s(]*(select|with|from|values|table)\b", re.IGNORECASE)


def read_query(text: str, engine: str) -> str:
    """The query as it is kept, without a semicolon at its end.

    Refuses what is not one query, lacks either edge of the month, or has other parameters.
    """
    query = text.lstrip("\ufeff").replace("\r\n", "\n").strip()
    if len(query) > MAX_QUERY_CHARS:
        raise _refused(f"It is longer than {MAX_QUERY_CHARS:,} characters.")
    found = list(_pieces_of(engine).finditer(query))
    bare = _pieces_of(engine).sub(lambda one: one["end"] or one["bind"] or " ", query)
    if _READS.match(bare) is None:
        raise _refused("It has to begin with SELECT or WITH: it may only read.")
    if ";" in bare.rstrip("; \t\n"):
        raise _refused("It holds several statements, and one query is asked for.")
    names = {one["name"] for one in found if one["bind"]}
    for name in sorted(names - {MONTH_START, MONTH_END}):
        raise _refused(f"It has :{name}; there are :{MONTH_START} and :{MONTH_END} alone.")
    for name in (MONTH_START, MONTH_END):
        if name not in names:
            raise _refused(
                f"It lacks :{name}. A month goes from :{MONTH_START}, included, to :{MONTH_END},"
                " excluded, both as instants."
            )
    end = next((one.start() for one in found if one["end"]), len(query))
    return query[:end].rstrip()


def query_for(
    query: str, engine: str, edges: tuple[datetime, datetime], instant: Callable[[datetime], str]
) -> str:
    """The query with both edges written in, each as `instant` has an engine's literal; and within
    another SELECT, so that it can be nothing else.
    """
    literals = dict(zip((MONTH_START, MONTH_END), map(instant, edges), strict=True))

    def written(one: re.Match[str]) -> str:
        # A blank parts the edge from a cast behind it.
        return f"{literals[one['name']]} " if one["bind"] else one[0]

    return f"select * from (\n{_pieces_of(engine).sub(written, query)}\n) pulled"


def query_hash(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()


def _pieces_of(engine: str) -> re.Pattern[str]:
    return _ESCAPED if engine in _ESCAPING else _STANDARD


def _refused(why: str) -> Invalid:
    return Invalid(f"The query cannot be used. {why}", field="query")
