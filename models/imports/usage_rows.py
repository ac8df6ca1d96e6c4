"""Usage as JSON, by the fields in which it is told as well."""

import re
from typing import BinaryIO

from models.imports.json_reader import JsonReader, Object
from models.imports.layouts import USAGE, USAGE_BY_ID

_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


def usage_of_json(file: BinaryIO, most_flaws: int) -> JsonReader:
    """A list of objects, or one a line, with `customer_id` or `customer`, `api_usage`, and the
    month as `year` and `month` or as in `"month": "2026-10"`.

    The first says whether customers are told by id or by name.
    """
    layouts = (USAGE_BY_ID, USAGE)
    return JsonReader(
        file,
        [[column.name for column in layout.columns] for layout in layouts],
        USAGE.passed_over | USAGE_BY_ID.passed_over,
        _dated,
        most_flaws,
    )


def _dated(row: Object) -> Object:
    month = row.get("month")
    if "year" in row or not isinstance(month, str) or not (told := _MONTH.fullmatch(month)):
        return row
    return {**row, "year": told[1], "month": told[2]}
