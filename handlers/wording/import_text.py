"""What is said of a file that is imported, wherever it is chosen."""

from collections.abc import Mapping

from handlers.wording.rich_text import Sentence, code
from models.imports.books import Book
from models.imports.foreseen import Foreseen

COLUMNS: Mapping[Book, Sentence] = {
    Book.USAGE: [code("customer, year, month, api_usage")],
    Book.CUSTOMERS: [
        code("name"),
        " and the columns it is about; ",
        code("start_date"),
        " and ",
        code("end_date"),
        " together, ",
        code("overage_unit_cost"),
        " beside a ",
        code("currency"),
        "; a new one needs ",
        code("monthly_api_limit"),
    ],
    Book.PEOPLE: [code("name, email, role, slack_user_id")],
}
"""Which columns the first line of a file names."""


def nothing_to_do(foreseen: Foreseen) -> str:
    """Why a file changes nothing."""
    if foreseen.unchanged:
        return "All rows of this file are in the books as they are."
    return "This file has no rows below its head."
