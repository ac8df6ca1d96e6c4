"""What requests and answers of the JSON API are made of."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from handlers.http.faults import A_MONTH_OR_NUMBER, DAY, MONTH, SEEN
from models.actions.comment import COMMENT_CHARS
from models.db.columns import MOST_CALLS
from models.errors import Invalid
from models.period import FIRST_YEAR, LAST_YEAR, Period
from models.text import REASON_CHARS


class Asked(BaseModel):
    """What a request brings; a name that is not known is refused."""

    model_config = ConfigDict(extra="forbid", use_enum_values=False)


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 2.0 is whole, and neither "2" nor true is a number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("A whole number is needed.")
    return value


WHOLE = BeforeValidator(_whole)
"""Behind the bounds of a number, which its schema would not have otherwise."""

LARGEST_EXACT = 2**53 - 1
"""Up to here every reader of JSON keeps a number as it is."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _day(value: Any) -> Any:
    """Neither a number of seconds nor a time of day, which a date is read from otherwise."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError(DAY)
    return value


Day = Annotated[date, BeforeValidator(_day), Field(examples=["2026-12-24"])]

_MONTH_OR_NUMBER = re.compile(rf"0?[1-9]|1[0-2]|{MONTH.strip('^$')}", re.ASCII)


def _month_or_number(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    if not isinstance(value, int | str) or not _MONTH_OR_NUMBER.fullmatch(text):
        raise ValueError(A_MONTH_OR_NUMBER)
    return text


MonthAsked = Annotated[
    str,
    BeforeValidator(_month_or_number),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 12},
                {"type": "string", "pattern": MONTH},
            ],
            "examples": ["2026-10", 10],
        }
    ),
]
"""A month with its year, or by its number, of a year that is told beside it."""


Month = Annotated[str, Field(pattern=MONTH, examples=["2026-10"])]


def year_and_month(year: int | None, month: str | None) -> tuple[int | None, int | None]:
    """Of which year a month is, and its number. Refuses two years that differ."""
    own, _, number = (month or "").rpartition("-")
    if own and year not in (None, int(own)):
        raise Invalid(f"The month is of {own}, and not of {year}.", "year")
    return int(own) if own else year, int(number) if number else None


class OfMonth(Asked):
    """Which month is meant: `year` and `month`, or a `month` as in `2026-10` alone."""

    year: Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR), WHOLE] | None = None
    month: MonthAsked

    @property
    def period(self) -> Period:
        year, month = year_and_month(self.year, self.month)
        if year is None or month is None:
            raise Invalid("Say of which year, or write the month as in 2026-10.", "year")
        return Period(year, month)


Id = Annotated[int, Field(ge=1, le=LARGEST_EXACT), WHOLE]
Version = Annotated[
    int,
    Field(
        ge=-LARGEST_EXACT,
        le=LARGEST_EXACT,
        description="The bill's version that was seen; any other than the current one is 409.",
    ),
    WHOLE,
]
Units = Annotated[int, Field(ge=-MOST_CALLS, le=MOST_CALLS), WHOLE]
Text = Annotated[str, Field(min_length=1, max_length=REASON_CHARS, pattern=SEEN)]
CommentText = Annotated[str, Field(min_length=1, max_length=COMMENT_CHARS, pattern=SEEN)]
Money = Annotated[
    Decimal,
    PlainSerializer(lambda amount: f"{amount:f}", return_type=str),
    Field(json_schema_extra={"pattern": r"^-?\d+(\.\d+)?$", "examples": ["1000.00"]}),
]
"""An exact amount as a string, whatever its size."""
