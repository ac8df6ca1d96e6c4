"""What a source of usage is asked: one SELECT, between the two instants of a month."""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime

from models.errors import Invalid

MONTH_START, MONTH_END = "month_start", "month_end"
MAX_QUERY_CHARS = 100_000

_PLAIN = r"'(?:[^']|'')*'"
_ESCAPED = r"'(?:[^'\\]|''|\\.)*'"
_ESCAPED_BY_NAME = rf"(?<!\w)[eE]{_ESCAPED}|{_PLAIN}"
_NAME = r'"(?:[^"]|"")*"'
_ESCAPED_DOUBLE = r'"(?:[^"\\]|""|\\.)*"'
_TRIPLE = r"'''.*?'''|" + r'""".*?"""'
_HASH = r"\#[^\n]*"


def _pieces(texts: str, asides: str = "(?!)") -> re.Pattern[str]:
    """What of a query is no code, and the parameters and ends in between. `texts` is what an engine
    takes for texts and quoted names, `asides` for comments beside those that all have.
    """
    return re.compile(
        rf"""
        (?P<aside>--[^\n]*|/\*.*?\*/|{asides})
      | (?P<quoted>{texts}|\x60[^\x60]*\x60|(?<![\w$])\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
      | (?P<bind>(?<![:\w\'")\]\[]):(?P<name>[A-Za-z_]\w*))
      | (?P<end>;)
        """,
        re.VERBOSE | re.DOTALL,
    )


_PIECES = {
    "postgresql": _pieces(f"{_ESCAPED_BY_NAME}|{_NAME}"),
    "duckdb": _pieces(f"{_ESCAPED_BY_NAME}|{_NAME}"),
    "trino": _pieces(f"{_PLAIN}|{_NAME}"),
    "clickhousedb": _pieces(f"{_ESCAPED}|{_ESCAPED_DOUBLE}", _HASH),
    "hive": _pieces(f"{_ESCAPED}|{_ESCAPED_DOUBLE}"),
    "databricks": _pieces(f"{_ESCAPED}|{_ESCAPED_DOUBLE}"),
    "snowflake": _pieces(f"{_ESCAPED}|{_NAME}", r"//[^\n]*"),
    "bigquery": _pieces(f"{_TRIPLE}|{_ESCAPED}|{_ESCAPED_DOUBLE}", _HASH),
}
"""By engine: whether a backslash keeps a quotation mark from ending a text, and what begins a
comment, differs."""

_READS = re.compile(r"[\s(]*(select|with|from|values|table)\b", re.IGNORECASE)
_NESTED = re.compile(r"/\*.*/\*", re.DOTALL)
_BETWEEN = re.compile(rf"\bbetween\s+:{MONTH_START}\s+and\s+:{MONTH_END}\b", re.IGNORECASE)


def read_query(text: str, engine: str) -> str:
    """The query as it is kept, without a semicolon at its end.

    Refuses what is not one query, lacks either edge of the month, has other parameters, or counts
    the first moment of the next month as well.
    """
    query = text.lstrip("\ufeff").replace("\r\n", "\n").strip()
    if len(query) > MAX_QUERY_CHARS:
        raise _refused(f"It is longer than {MAX_QUERY_CHARS:,} characters.")
    found = list(_PIECES[engine].finditer(query))
    bare = _PIECES[engine].sub(lambda one: one["end"] or one["bind"] or " ", query)
    if _READS.match(bare) is None:
        raise _refused("It has to begin with SELECT or WITH: it may only read.")
    if any(_NESTED.match(one["aside"] or "") for one in found):
        raise _refused("It has a comment within a comment, of which each engine makes its own.")
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
    if _BETWEEN.search(bare):
        raise _refused(
            f"What is between both edges is the first moment of the next month, too. Write >="
            f" :{MONTH_START} and < :{MONTH_END}."
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

    return f"select * from (\n{_PIECES[engine].sub(written, query)}\n) pulled"


def query_hash(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()


def _refused(why: str) -> Invalid:
    return Invalid(f"The query cannot be used. {why}", field="query")
