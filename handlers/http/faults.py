"""What is wrong with a request that its schema does not let in, in sentences for people."""

from collections.abc import Mapping, Sequence
from typing import Any

SEEN = r"[^\x00-\x20\x7f-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]"
"""A pattern of one sign that can be seen, which every text that is needed has."""
MONTH = r"^(2[01]\d\d|2200)-(0[1-9]|1[0-2])$"

MAYBE_MONTH = r"^(\d{4}-\d\d)?$"
A_MONTH = "A month is written as in 2026-10, and is one from 2000-01 to 2200-12."
A_MONTH_OR_NUMBER = "A month is 1 to 12, or with its year as in 2026-10."

WHOLE_BODY = "body"
NOT_JSON = "The body is not JSON that can be read."
UNKNOWN_NAME = "extra_forbidden"
NAMED_TWICE = "named_twice"
SAY_ONE = "That is there more than once; leave all but one out."
UNREADABLE = "That is not something Countersign can read."
DAY = "A day is written as in 2026-12-24."
MOMENT = "A moment is written with its zone, as in 2026-10-01T09:00:00Z."

_OF_TYPE: dict[str, str] = {
    "missing": "That is needed.",
    UNKNOWN_NAME: "Nothing is known by that name.",
    NAMED_TWICE: SAY_ONE,
    "json_invalid": NOT_JSON,
    "string_type": "A text is needed.",
    "string_unicode": "That text has signs that are none.",
    "string_too_short": "At least {min_length:,} characters are needed.",
    "string_too_long": "At most {max_length:,} characters fit.",
    "too_short": "At least {min_length:,} are needed.",
    "too_long": "At most {max_length:,} fit.",
    "enum": "That is none of {expected}.",
    "literal_error": "That is none of {expected}.",
    "int_parsing": "A whole number is needed.",
    "int_parsing_size": "That number is too large.",
    "int_type": "A whole number is needed.",
    "int_from_float": "A whole number is needed.",
    "bool_type": "true or false is needed.",
    "bool_parsing": "true or false is needed.",
    "greater_than_equal": "That has to be {ge:,} or more.",
    "less_than_equal": "That has to be {le:,} or less.",
    "date_from_datetime_parsing": DAY,
    "datetime_parsing": MOMENT,
    "datetime_from_date_parsing": MOMENT,
    "datetime_object_invalid": MOMENT,
    "timezone_aware": MOMENT,
    "list_type": "A list is needed.",
    "dict_type": "An object with fields is needed.",
    "model_type": "An object with fields is needed.",
    "model_attributes_type": "An object with fields is needed.",
}
"""By pydantic's types of errors, with what it says of each between braces."""

_OF_PATTERN: dict[str, str] = {
    SEEN: "Something that can be read is needed.",
    MONTH: A_MONTH,
    MAYBE_MONTH: A_MONTH,
}
_OF_FIELD: dict[str, str] = {
    "address": "An address begins with https://.",
    "csm": "The number of a person is needed.",
    "cursor": "That is no `next_cursor` of a page before.",
    "slack_user_id": "A member id is written as in U012AB3CD.",
}
"""What has a form of its own, by its name."""


def faults_of(
    errors: Sequence[Mapping[str, Any]], known: Mapping[str, Sequence[str]]
) -> list[dict[str, str]]:
    """Of pydantic's errors, each field by its name, and what is wrong with it.

    `known`: the names that there are, by the part of the request they stand in.
    """
    return [{"field": _field(one), "reason": _reason(one, known)} for one in errors]


def sentence_of(fault: Mapping[str, str]) -> str:
    """As in "month: That has to be 12 or less."."""
    field, reason = fault["field"], fault["reason"]
    return reason if field == WHOLE_BODY else f"{field}: {reason}"


def _field(error: Mapping[str, Any]) -> str:
    """As in "rows.3.month", without the part of the request that it stands in."""
    place = error["loc"]
    if error["type"] == "json_invalid" or len(place) == 1:
        return WHOLE_BODY
    return ".".join(map(str, place[1:]))


def _reason(error: Mapping[str, Any], known: Mapping[str, Sequence[str]]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == UNKNOWN_NAME and len(error["loc"]) == 2:
        there_are = ", ".join(known.get(error["loc"][0], ())) or "none here"
        return f"{_OF_TYPE[kind]} There are: {there_are}."
    if kind == "value_error":
        return f"{context['error']}"
    if kind == "string_pattern_mismatch":
        told = _OF_PATTERN.get(context["pattern"], "That is not written as it has to be.")
        return _OF_FIELD.get(str(error["loc"][-1]).lower(), told)
    if kind in ("too_short", "too_long") and isinstance(error.get("input"), str):
        kind = f"string_{kind}"
    if kind in ("too_short", "string_too_short") and context["min_length"] == 1:
        kind = "missing"
    return _OF_TYPE.get(kind, UNREADABLE).format(**context)
