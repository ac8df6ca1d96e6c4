"""What is no e-mail address is refused on every way in, with the field and the reason."""

import csv
from io import StringIO

import pytest

from models.db.database import Database
from models.imports.files import BadRows
from tests.harness.billing import NO_ADDRESSES
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People
from tests.harness.files import load, rows_of
from tests.web.test_editing import ACME as FORM
from tests.web.test_editing import errors

COLUMNS = ("billing_email", "cc_emails")
HEADERS = ["name", "monthly_api_limit", "overage_unit_cost", *COLUMNS]


async def test_files_pages_and_programs_bring_in_no_address_that_is_none(
    served: BrowserSide, db: Database, people: People
) -> None:
    file = StringIO()
    lines = csv.writer(file)
    lines.writerow(HEADERS)
    for typed in NO_ADDRESSES:
        lines.writerow([f"Acme {typed}", 100, "0.01", typed, typed])
    with pytest.raises(BadRows) as refused:
        await load(db, people.ana, "customers", file.getvalue())
    assert [(flaw.line, flaw.column) for flaw in refused.value.flaws] == [
        (line, column) for line in range(2, len(NO_ADDRESSES) + 2) for column in COLUMNS
    ]

    ana = await served.signed_in(people.ana)
    for column in COLUMNS:
        for typed in NO_ADDRESSES:
            program = await ana.post(
                "/api/customers", json={"name": "Acme", "monthly_api_limit": 1, column: typed}
            )
            assert (program.status, program.json["field"]) == (422, column), typed
        page = await ana.post("/customers/new", data=FORM | {column: NO_ADDRESSES[0]})
        assert (page.status, errors(page).keys()) == (422, {column})
    assert await rows_of(db, "select count(*) from customers") == [(0,)]
