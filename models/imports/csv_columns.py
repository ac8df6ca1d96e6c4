"""What each column of an imported file may hold, in SQL: the test, the value, the reasons.

A kind speaks of its text as `{v}`, which is never null and has no blanks around it. `ok` decides;
`reasons` only explain, first match first, when it has said no.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from models.db.columns import MOST_CALLS
from models.people.permissions import Role
from models.people.users import MEMBER_ID
from models.period import FIRST_YEAR, LAST_YEAR

MAX_TEXT = 2000
LINE_BREAKS = r"[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]"
"""What splits lines in Python, as PostgreSQL writes it."""


@dataclass(frozen=True)
class ColumnKind:
    ok: str
    value: str
    otherwise: str
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

    @property
    def value(self) -> str:
        """The column's value, null where it is empty or not `ok`."""
        text = f"s.{self.name}"
        case = f"case when {self._fill(self.kind.ok)} then {self._fill(self.kind.value)}"
        if self.empty is not None:
            case = f"{case} when {text} is null then {self.empty}"
        return f"{case} end"

    @property
    def reason(self) -> str:
        """Why the column's text is refused; null where it is not."""
        text = f"s.{self.name}"
        quoted = f"'“' || regexp_replace(left({text}, 60), '{LINE_BREAKS}+', ' ', 'g') || '” '"
        missing = "'a value is needed here'" if self.needed else "null"
        why = "".join(
            f" when {self._fill(condition)} then {quoted} || {_literal(reason)}"
            for condition, reason in self.kind.reasons
        )
        return (
            f"case when {text} is null then {missing} when {self._fill(self.kind.ok)} then null"
            f"{why} else {quoted} || {_literal(self.kind.otherwise)} end"
        )

    def _fill(self, sql: str) -> str:
        return sql.replace("{v}", f"s.{self.name}")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def text(most: int = MAX_TEXT) -> ColumnKind:
    return ColumnKind(f"length({{v}}) <= {most}", "{v}", f"is longer than {most} characters")


_ONE_LINE = f"{{v}} !~ '{LINE_BREAKS}'"
_LINE_BREAK = (f"{{v}} ~ '{LINE_BREAKS}'", "has a line break; write it on one line")


def line(most: int = MAX_TEXT) -> ColumnKind:
    """What stands in headings, messages and the head of a mail, where a line break would cut it."""
    whole = text(most)
    return ColumnKind(f"{whole.ok} and {_ONE_LINE}", whole.value, whole.otherwise, (_LINE_BREAK,))


def person(alias: str, role: Role) -> ColumnKind:
    """Somebody of that role, by name, where `alias` is `users` joined on just that."""
    return ColumnKind(
        f"{alias}.id is not null",
        f"{alias}.id",
        "is nobody's name here; import people first",
        (
            (
                f"exists (select from users where name = {{v}} and role is distinct from '{role}')",
                f"does not have the role {role}",
            ),
        ),
    )


_GROUPED = r"{v} ~ '^[0-9]{1,3}([,.'' _  ][0-9]{3})+([.,][0-9]+)?$'"
_NO_GROUPS = "has thousands separators; write digits only, as in 1250000"
_NEGATIVE = ("{v} ~ '^[-−]'", "is negative")
_DIGITS = "{v} !~ '[^0-9]'"

CALLS = ColumnKind(
    f"{_DIGITS} and pg_input_is_valid({{v}}, 'bigint')",
    "{v}::bigint",
    "is not a whole number",
    (
        (_GROUPED, _NO_GROUPS),
        _NEGATIVE,
        (_DIGITS, f"is too big; the most is {MOST_CALLS}"),
    ),
)


def _one_of(numbers: Iterable[str]) -> str:
    """Membership, which costs a tenth of a pattern over a million rows."""
    return f"{{v}} in ({', '.join(map(_literal, numbers))})"


YEAR = ColumnKind(
    _one_of(str(year) for year in range(FIRST_YEAR, LAST_YEAR + 1)),
    "{v}::integer",
    f"is not a year from {FIRST_YEAR} to {LAST_YEAR}",
)

MONTH = ColumnKind(
    _one_of(form for month in range(1, 13) for form in (str(month), f"{month:02}")),
    "{v}::integer",
    "is not a month from 1 to 12",
)

DAYS = ColumnKind("{v} ~ '^[0-9]{1,4}$'", "{v}::integer", "is not a number of days up to 9999")


def decimal(decimals: int) -> ColumnKind:
    return ColumnKind(
        rf"{{v}} ~ '^[0-9]{{1,15}}(\.[0-9]{{1,{decimals}}})?$'",
        "{v}::numeric",
        "is not a number; write decimals with a point, as in 0.0025",
        (
            _NEGATIVE,
            (r"{v} ~ '^[0-9]+,[0-9]+$'", "has a comma; write decimals with a point, as in 0.0025"),
            (r"{v} ~ '^[0-9]+\.[0-9]+$'", f"has more than {decimals} decimals, or is too big"),
            (_GROUPED, _NO_GROUPS),
            ("{v} ~ '^[0-9]+$'", "is too big; the most is fifteen digits"),
        ),
    )


PERCENT = ColumnKind(
    r"{v} ~ '^([0-9]{1,2}(\.[0-9]{1,6})?|100(\.0{1,6})?)$'",
    "{v}::numeric",
    "is not a percentage from 0 to 100, with a point and without a sign, as in 8.1",
)

_ISO_DATE = "{v} ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' and pg_input_is_valid({v}, 'date')"
_NOT_A_DATE = "is not a date; write it as 2026-10-31"
DATE = ColumnKind(_ISO_DATE, "{v}::date", _NOT_A_DATE)

END_DATE = ColumnKind(
    # Such dates sort as text as they do as dates.
    f"""{_ISO_DATE} and coalesce(s.start_date, '') collate "C" <= {{v}}""",
    "{v}::date",
    _NOT_A_DATE,
    ((_ISO_DATE, "is before the start date"),),
)

MONTH_BEGUN = ColumnKind(
    f"""{{v}} ~ '^[0-9]{{4}}-(0[1-9]|1[0-2])(-01)?$'
        and left({{v}}, 4) collate "C" between '{FIRST_YEAR}' and '{LAST_YEAR}'""",
    "(left({v}, 7) || '-01')::date",
    f"is not a month from {FIRST_YEAR} to {LAST_YEAR}; write it as 2026-10",
    (("{v} ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'", "is not the first day of a month"),),
)

YES_NO = ColumnKind(
    "lower({v}) in ('true', 'false', 'yes', 'no', '1', '0')",
    "lower({v}) in ('true', 'yes', '1')",
    "is neither true nor false",
)

CURRENCY = ColumnKind(
    "exists (select from currencies where code = upper({v}))",
    "upper({v})",
    "is not a currency; write its ISO 4217 code, as in USD",
)

COUNTRY = ColumnKind(
    "{v} ~* '^[A-Z]{2}$'", "upper({v})", "is not a country's two letters, as in DE"
)

PRORATION = ColumnKind(
    "lower({v}) in ('full', 'daily')", "lower({v})", "is neither “full” nor “daily”"
)

CUSTOMER = ColumnKind("c.id is not null", "c.id", "is no customer's name")

ROLE = ColumnKind(
    f"initcap({{v}}) in ({', '.join(_literal(role) for role in Role)})",
    "initcap({v})",
    f"is not a role; there are {', '.join(Role)}",
)

SLACK_ID = ColumnKind(
    f"{{v}} ~ '^{MEMBER_ID}$' and (t.id is not null or n.slack_user_id is null)",
    "{v}",
    "is not a Slack member id, as in U012AB3CD",
    ((f"{{v}} ~ '^{MEMBER_ID}$'", "is a new Slack account, but that name has another one"),),
)

PERSON_NAME = ColumnKind(
    f"length({{v}}) <= 200 and {_ONE_LINE} and lower({{v}}) <> 'system'"
    " and (t.id is null or n.id is null or t.id = n.id)",
    "{v}",
    "is somebody else's name already",
    (
        ("length({v}) > 200", "is longer than 200 characters"),
        _LINE_BREAK,
        ("lower({v}) = 'system'", "is what the clock and the command line are called"),
    ),
)
