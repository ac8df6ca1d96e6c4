"""Usage through the JSON API: what is recorded, and many months at once."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa

from models.actions.uploaded_files import LARGEST_BYTES
from models.db.database import Database
from models.imports.files import Imported
from tests.harness.books import make_bills, send_out
from tests.harness.browser_side import Answer, BrowserSide, Visitor
from tests.harness.cast import People
from tests.harness.files import load, load_rows, rows_of

JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}
CSV = {"Content-Type": "text/csv; charset=utf-8"}


@pytest.fixture
async def ids(db: Database, people: People) -> list[int]:
    """Acme and Beta."""
    header = "name,monthly_api_limit\n"
    await load(db, people.ana, "customers", f"{header}Acme,1000\n=Beta,1000\n")
    return [one for (one,) in await rows_of(db, "select id from customers order by id")]


@pytest.fixture
async def ana(served: BrowserSide, people: People) -> Visitor:
    return await served.signed_in(people.ana)


async def put(visitor: Visitor, rows: Any, headers: dict[str, str] = JSON) -> Answer:
    data = rows if isinstance(rows, bytes) else json.dumps(rows).encode()
    return await visitor.put("/api/usage", data=BytesIO(data), headers=headers)


def of(customer: int | str, month: int, calls: Any, **more: Any) -> dict[str, Any]:
    key = "customer_id" if isinstance(customer, int) else "customer"
    return {key: customer, "year": 2026, "month": month, "api_usage": calls, **more}


async def test_many_months_are_recorded_and_the_same_again_changes_nothing(
    ana: Visitor, ids: list[int], db: Database, people: People
) -> None:
    rows = [of(one, month, 100 * month) for one in ids for month in (9, 10)]
    first = await put(ana, rows)
    assert (first.status, first.json["added"]) == (200, 4)
    again = await put(ana, rows)
    assert again.json == {
        "added": 0,
        "changed": 0,
        "unchanged": 4,
        "bills": {},
        "stranded": 0,
        "unwritten": 0,
    }
    changed = await put(ana, [of("ACME", 9, "1,234,567"), of("acme", 10, 1000)])
    assert (changed.json["changed"], changed.json["unchanged"]) == (1, 1)
    assert await rows_of(
        db, "select old_api_usage, new_api_usage, changed_by, source from usage_changes"
    ) == [(900, 1_234_567, people.ana.id, "api")]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'[{"customer_id": %d, "month": "2026-09", "api_usage": 7}]', JSON),
        (
            b'\xef\xbb\xbf [ {"customer": "Acme", "period": "x", "year": "2026", "month": 9,\n'
            b' "api_usage": 7.0} ] \n',
            JSON,
        ),
        (b'{"customer": "Acme", "year": 2026, "month": 9, "api_usage": 7}\n\n', LINES),
        (b"customer_id,year,month,api_usage\n%d,2026,9,7\n", CSV),
        (b"customer;year;month;api_usage\r\nAcme;2026;9;7\r\n", CSV),
    ],
)
async def test_rows_come_as_json_or_csv_with_the_customer_by_id_or_name(
    ana: Visitor, ids: list[int], db: Database, body: bytes, headers: dict[str, str]
) -> None:
    answer = await put(ana, body.replace(b"%d", str(ids[0]).encode()), headers)
    assert (answer.status, answer.json.get("added")) == (200, 1), answer.text
    assert await rows_of(db, "select customer_id, year, month, api_usage from usages") == [
        (ids[0], 2026, 9, 7)
    ]


async def test_every_bad_row_is_named_with_its_field_and_reason_and_nothing_is_kept(
    ana: Visitor, ids: list[int], db: Database
) -> None:
    acme = ids[0]
    rows = [
        of(acme, 9, 5),
        of(acme, 13, 5),
        of(999, 9, -1),
        of(acme, 9, 7),
        of(acme, 10, None),
        of(acme, 10, 1, mood="good"),
        of(acme, 12, 1),
        7,
        of(acme, 10, [1]),
        of(acme, 8, "\u0000"),
    ]
    refused = await put(ana, rows)
    assert (refused.status, refused.json["total"]) == (422, len(refused.json["errors"]))
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert [(one["row"], one["field"]) for one in refused.json["errors"]] == [
        (2, "month"),
        (3, "api_usage"),
        (3, "customer_id"),
        (4, "customer_id"),
        (5, "api_usage"),
        (6, "mood"),
        (7, "month"),
        (8, ""),
        (9, "api_usage"),
        (10, "api_usage"),
    ]
    assert await rows_of(db, "select count(*) from usages") == [(0,)]
    many = await put(ana, [of(acme, 13, n) for n in range(1500)])
    assert [one["row"] for one in many.json["errors"]] == list(range(1, 1501))


async def test_the_field_at_fault_is_named_and_rows_are_counted_as_rows(
    ana: Visitor, ids: list[int]
) -> None:
    twice = (await put(ana, [of(ids[0], 9, 1), of(ids[0], 9, 2)])).json
    assert (twice["field"], twice["errors"][0]["row"]) == ("customer_id", 2)
    assert twice["errors"][0]["reason"].endswith("as row 1")
    assert "row 2, customer_id: " in twice["detail"]
    csv = (
        await put(ana, b"customer,year,month,api_usage\nAcme,2026,9,1\nAcme,2026,9,1\n", CSV)
    ).json
    assert csv["errors"][0]["reason"].endswith("as line 2")
    assert (await put(ana, b"nonsense")).json["field"] == "body"


ROW = {"customer": "Acme", "month": "2026-09", "api_usage": 1}


AROUND_THE_ROWS = (
    ({"usage": [ROW]}, "usage"),
    ({"month": "2026-09", "rows": [ROW]}, "rows"),
    ({"data": {"usage": [ROW]}}, "data"),
    ({"usage": []}, "usage"),
    ({"next_cursor": None, "usage": [ROW]}, "usage"),
    ({"usage": [ROW] * 5_000}, "body"),
    ({}, "body"),
    ({"message": "ok"}, "message"),
)


async def test_an_object_around_the_rows_is_answered_with_what_is_expected(
    ana: Visitor, ids: list[int], subtests: pytest.Subtests
) -> None:
    for around, field in AROUND_THE_ROWS:
        with subtests.test(str(around)[:60]):
            refused = await put(ana, around)
            assert (refused.status, refused.json["total"], refused.json["field"]) == (422, 1, field)
            assert "a list of rows is expected" in refused.json["detail"]
            assert (await put(ana, ROW)).status == 200, "one row is a line of rows"


NO_JSON = (
    *(b"", b" ", b"7", b'"x"', b"nonsense", b'[{"customer": "Acme"', b"[{}", b"[{}{}]"),
    *(b"[{},]", b"[{}] []", b"[,]", b"\xff[]", b'[{"customer": "\xff"}]', b"[" * 100_000),
    *(b'[{"customer": "' + b"x" * 200_000 + b'"}]', b'{"a": 1} nonsense'),
)


async def test_what_is_no_json_is_refused_by_its_row(
    ana: Visitor, subtests: pytest.Subtests
) -> None:
    for body in NO_JSON:
        with subtests.test(str(body[:20])):
            refused = await put(ana, body)
            assert refused.status == 422, refused.text
            assert refused.json["errors"][0]["reason"]


async def test_an_empty_list_changes_nothing(ana: Visitor) -> None:
    nothing = {"added": 0, "changed": 0, "unchanged": 0, "bills": {}, "stranded": 0, "unwritten": 0}
    assert (await put(ana, [])).json == nothing


async def test_bills_follow(ana: Visitor, db: Database, people: People) -> None:
    [waiting, sent] = await make_bills(db, people.ana, customers=2)
    await send_out(db, people, sent)
    [(one,), (two,)] = await rows_of(db, "select id from customers order by id")
    answer = await put(ana, [of(one, 10, 1600), of(two, 10, 1700)])
    assert answer.json["bills"] == {"invalidated": 1, "proposed": 1}
    assert await rows_of(db, f"select overage_units from bills where id = {waiting}") == [(600,)]


async def test_who_may_not_is_told_before_anything_of_the_body_is_read(
    served: BrowserSide, people: People
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"["
        await asyncio.sleep(60)

    for visitor, status in (
        (served.visitor(), 401),
        (await served.signed_in(people.kim), 403),
        (await served.signed_in(people.max), 403),
    ):
        asked = visitor.put("/api/usage", data=endless(), headers=JSON)
        assert (await asyncio.wait_for(asked, 5)).status == status


async def test_other_content_and_what_is_too_long_is_refused(ana: Visitor) -> None:
    assert (await put(ana, b"<xml/>", {"Content-Type": "text/xml"})).status == 415
    charsets = {"utf-16": 415, "none-such": 415, '"UTF8"': 422, "us-ascii": 422}
    for charset, status in charsets.items():
        said = {"Content-Type": f"text/csv; charset={charset}"}
        assert (await put(ana, b"customer", said)).status == status
    assert (await put(ana, b" " * (LARGEST_BYTES + 1))).status == 413


async def test_a_hundred_thousand_rows_take_no_more_memory_than_a_few(
    ana: Visitor, db: Database, people: People
) -> None:
    names = "\n".join(f"Customer {n},1000" for n in range(9_000))
    await load(db, people.ana, "customers", f"name,monthly_api_limit\n{names}")
    rows = b"".join(
        b'{"customer": "Customer %d", "year": 2025, "month": %d, "api_usage": %d}\n'
        % (n % 9_000, 1 + n // 9_000, n)
        for n in range(100_000)
    )
    await put(ana, rows[: rows.index(b"\n", 200_000) + 1], LINES)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = await put(ana, rows, LINES)
    assert answer.json["added"] + answer.json["unchanged"] == 100_000
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kb < 20_000
    assert await rows_of(db, "select count(*) from usages") == [(100_000,)]


async def test_what_is_recorded_is_told_by_customer_and_month(
    ana: Visitor, served: BrowserSide, people: People, ids: list[int], db: Database
) -> None:
    await put(ana, [of(one, month, month) for one in ids for month in range(3, 11)])
    max_ = await served.signed_in(people.max)
    asked = {"customer_id": str(ids[0]), "from": "2026-04", "to": "2026-06"}
    told = (await max_.get("/api/usage", params=asked)).json["usage"]
    assert [(one["period"], one["month"], one["api_usage"]) for one in told] == [
        ("2026-04", 4, 4),
        ("2026-05", 5, 5),
        ("2026-06", 6, 6),
    ]
    assert (await put(ana, told)).json["unchanged"] == 3, "what is told is taken back"
    seen, cursor = list[tuple[int, str]](), ""
    while True:
        more = {"limit": "5"} | ({"cursor": cursor} if cursor else {})
        page = (await max_.get("/api/usage", params=more)).json
        seen += [(one["customer_id"], one["period"]) for one in page["usage"]]
        if not (cursor := page["next_cursor"] or ""):
            break
    assert seen == sorted(set(seen)) and len(seen) == 16
    for bad in ({"from": "2026-13"}, {"from": "2026-05", "to": "2026-04"}, {"cursor": "1"}):
        assert (await max_.get("/api/usage", params=bad)).status == 422
    book = await max_.get("/api/usage.csv", params={"from": "2026-10"})
    assert await load(db, people.ana, "usage", book.text) == Imported(0, 0, 2)
    assert "'=Beta," in book.text
    assert (await put(ana, book.text.encode(), CSV)).json["unchanged"] == 2


async def test_a_merged_customers_months_are_taken_by_id_as_by_name(
    ana: Visitor, ids: list[int], db: Database, people: People
) -> None:
    await load_rows(db, people.ana, "usage", "Acme,2026,9,5")
    async with db.transaction() as session:
        await session.execute(
            sa.text(f"update customers set merged_into_id = {ids[1]} where id = {ids[0]}")
        )
    await put(ana, [of(ids[0], 9, 6), of(ids[0], 10, 7)])
    assert await rows_of(db, "select customer_id, month, api_usage from usages order by month") == [
        (ids[0], 9, 6),
        (ids[1], 10, 7),
    ]
