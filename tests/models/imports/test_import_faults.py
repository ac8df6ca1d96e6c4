"""Every fault of a file is named by its place, and nothing of the file is written."""

from decimal import Decimal

import pytest

from handlers.wording.refusals import Medium, refusal_text
from models.db.database import Database
from models.imports.files import Imported
from models.imports.rows import BadRows
from tests.harness.cast import People
from tests.harness.files import ACME, HEADERS, flaws_of, load, load_rows, rows_of

TABLES = {"customers": "customers", "usage": "usages", "people": "users"}
FAULTS = [
    ("customers", "name", "", "a value is needed here"),
    ("customers", "name", "x" * 301, "longer than 300 characters"),
    ("customers", "name", '"New\nline"', "“New line” has a line break"),
    ("customers", "billing_email", '"a@b.example\r\nBcc: x"', "has a line break"),
    ("customers", "csm", "Nobody", "nobody's name here"),
    ("customers", "csm", "Sam", "does not have the role Customer Success"),
    ("customers", "sales", "Kim", "does not have the role Sales"),
    ("customers", "currency", "XXQ", "is not a currency"),
    ("customers", "monthly_api_limit", "", "a value is needed here"),
    ("customers", "monthly_api_limit", "-1", "is negative"),
    ("customers", "monthly_api_limit", "1.5", "is not a whole number"),
    ("customers", "overage_unit_cost", "0.12345678901", "more than 10 decimals"),
    ("customers", "overage_unit_cost", "-0.1", "is negative"),
    ("customers", "overage_unit_cost", '"1,250"', "could be 1250 or 1.250; write 1250, or 1.2500"),
    ("customers", "overage_unit_cost", "$0.002", "has a currency sign"),
    ("customers", "name", "#REF!", "is a spreadsheet's error"),
    ("customers", "billing_address", "n/a", "is a placeholder"),
    ("customers", "billing_address", "—", "is a placeholder"),
    ("customers", "billing_email", "TBD", "is a placeholder"),
    ("customers", "billing_email", "ap.acme.example", "is not an e-mail address"),
    ("customers", "billing_email", "ap@acme", "is not an e-mail address: “acme” is no domain"),
    ("customers", "currency", "$", "is not a currency; write its ISO 4217 code, as in USD"),
    ("customers", "currency", "€", "as in EUR"),
    ("customers", "currency", "XXX", "is not a currency"),
    ("customers", "start_date", "2062-01-01", "is more than 20 years ahead"),
    ("customers", "start_date", "0206-01-01", "is before 2000"),
    ("customers", "start_date", "02/01/2024", "is not a date"),
    ("customers", "start_date", "2024-02-30", "is not a date"),
    ("customers", "end_date", "2023-12-31", "is before the start date"),
    ("customers", "end_date", "soon", "is not a date"),
    ("customers", "end_date", "2062-12-31", "leave an end date empty where there is none"),
    ("customers", "end_date", "31.02.2026", "there is no such day"),
    ("customers", "require_csm_approval", "ja", "neither true nor false"),
    ("usage", "customer", "Nobody Inc", "is no customer's name"),
    ("usage", "year", "1999", "not a year from 2000 to 2200"),
    ("usage", "year", "2201", "not a year from 2000 to 2200"),
    ("usage", "month", "0", "not a month from 1 to 12"),
    ("usage", "month", "13", "not a month from 1 to 12"),
    ("usage", "month", "Oct", "not a month from 1 to 12"),
    ("usage", "api_usage", "", "a value is needed here"),
    ("usage", "api_usage", "9223372036854775808", "is too big"),
    ("usage", "api_usage", "-1", "is negative"),
    ("usage", "api_usage", "0x10", "is not a number alone"),
    ("usage", "api_usage", "1.250", "could be 1250 or 1.250; write 1250"),
    ("usage", "api_usage", '"1,250"', "could be 1250 or 1.250; write 1250"),
    ("usage", "api_usage", "1.25E+06", "is scientific notation"),
    ("usage", "year", "2062", "has not begun yet"),
    ("usage", "month", "12", "is a month that has not begun yet"),
    ("people", "name", "", "a value is needed here"),
    ("people", "name", "Kim\u2028Lee", "“Kim Lee” has a line break"),
    ("people", "email", '"kim@example.com\nBcc: x"', "has a line break"),
    ("people", "name", "System", "clock and the command line"),
    ("people", "name", "Max", "somebody else's name"),
    ("people", "role", "Boss", "is not a role"),
    ("people", "email", "n/a", "is a placeholder"),
    ("people", "email", "kim", "is not an e-mail address"),
    ("people", "slack_user_id", "C012AB3CD", "is not a Slack member id"),
    ("people", "slack_user_id", "@kim", "is not a Slack member id"),
]
GOOD = {
    "customers": ACME.replace("Acme", "Brand new"),
    "usage": "Acme,2026,9,9223372036854775807",
    "people": "Kim Lee,kim@example.com,Customer Success,UKIM",
}


async def test_a_fault_is_named_by_line_and_column_and_nothing_is_written(
    db: Database, people: People, subtests: pytest.Subtests
) -> None:
    for kind, column, text, reason in FAULTS:
        with subtests.test(kind=kind, column=column):
            await load_rows(db, people.ana, "customers", ACME)
            position = HEADERS[kind].split(",").index(column)
            values = GOOD[kind].replace("Kim Lee", "Kim Two").split(",")
            values[position] = text
            if kind == "customers" and column != "name":
                values[0] = "Another"
            count = f"select count(*) from {TABLES[kind]}"
            before = await rows_of(db, count)
            good = {"usage": "Acme,2026,8,1", "people": "Somebody,,,"}.get(kind, GOOD[kind])
            [flaw] = await flaws_of(db, people.ana, kind, good, ",".join(values))
            assert (flaw.line, flaw.column) == (3, column)
            assert reason in flaw.reason
            assert await rows_of(db, count) == before


async def test_every_bad_value_of_a_row_is_named_and_the_good_rows_are_not(
    db: Database, people: People
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    flaws = await flaws_of(db, people.ana, "usage", "Acme,1,13,x", "Acme,2026,10,5", "Who,2026,1,1")
    assert [(flaw.line, flaw.column) for flaw in flaws] == [
        *((2, "api_usage"), (2, "month"), (2, "year"), (4, "customer"))
    ]


REPEATED = [
    ("customers", ("Straße,,,,,,1,,,,,", "B,,,,,,1,,,,,", "STRAßE,,,,,,2,,,,,"), "name", "line 2"),
    ("usage", ("Acme,2026,10,1", "Acme,2026,9,1", "acme,2026,10,1"), "customer", "line 2"),
    ("people", ("Eve,,,", "Bob,,,", "Eve,,Sales,"), "name", "line 2"),
    ("people", ("Eve,,,UEVE", "Bob,,,", "Eva,,Sales,UEVE"), "slack_user_id", "line 2"),
    ("people", ("Kim,,,", "Bob,,,", "Kimberly,,,UKIM"), "name", "line 2"),
]


@pytest.mark.parametrize(("kind", "rows", "column", "first"), REPEATED)
async def test_a_row_that_repeats_an_earlier_one_names_it(
    db: Database, people: People, kind: str, rows: tuple[str, ...], column: str, first: str
) -> None:
    await load_rows(db, people.ana, "customers", ACME)
    [flaw] = await flaws_of(db, people.ana, kind, *rows)
    assert (flaw.line, flaw.column) == (4, column)
    assert flaw.reason.endswith(f"as {first}")


async def test_a_name_that_has_another_slack_account_is_refused(
    db: Database, people: People
) -> None:
    with pytest.raises(BadRows) as refused:
        await load_rows(db, people.ana, "people", "Kim,,Sales,UOTHER")
    [flaw] = refused.value.flaws
    assert (flaw.line, flaw.column) == (2, "slack_user_id")
    told = refusal_text(refused.value, Medium.COMMAND_LINE)
    assert "`countersign people add NAME --role ROLE --slack-id ID --replace`" in told


HEADER_FAULTS = [
    ("customer,year,month", {"api_usage": "lacks"}),
    ("customer,year,month,api_usage,api_usage", {"api_usage": "twice"}),
    ("customer,year,month,api_usage,colour", {"colour": "no such column"}),
    ("Customer,YEAR,month,usage", {"usage": "no such column", "api_usage": "lacks"}),
    ("Acme,2026,9,1", {"": "names no column; there are customer, year, month, api_usage"}),
]


@pytest.mark.parametrize(("header", "reasons"), HEADER_FAULTS)
async def test_a_header_that_does_not_fit_is_refused_by_the_names_of_its_columns(
    db: Database, people: People, header: str, reasons: dict[str, str]
) -> None:
    with pytest.raises(BadRows) as refused:
        await load(db, people.ana, "usage", f"{header}\nAcme,2026,10,1")
    assert {flaw.column for flaw in refused.value.flaws} == set(reasons)
    for flaw in refused.value.flaws:
        assert flaw.line == 1
        assert reasons[flaw.column] in flaw.reason


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["", "\n"])
async def test_delimiter_newline_and_bom_do_not_matter(
    db: Database, people: People, newline: str, delimiter: str, bom: str, end: str
) -> None:
    good = (
        HEADERS["customers"].upper(),
        "",
        '"Äcme ""2""",Kim,,"1 Road\nTown",,eur,1000, 0.002 ,,,YES,0',
        ",,,,,,,,,,,",
    )
    bad = "Bad,Kim,,,,eur,1x00,0.002,,,YES,0"

    def written(*rows: str) -> str:
        return bom + ("\n".join(rows) + end).replace(",", delimiter).replace("\n", newline)

    with pytest.raises(BadRows) as refused:
        await load(db, people.ana, "customers", written(*good, bad))
    assert [flaw.line for flaw in refused.value.flaws] == [6]
    assert await load(db, people.ana, "customers", written(*good)) == Imported(1, 0, 0)
    [customer] = await rows_of(
        db, "select name, billing_address, currency, overage_unit_cost from customers"
    )
    name, address, currency, price = customer
    assert (name, currency, price) == ('Äcme "2"', "EUR", Decimal("0.002"))
    assert address == f"1 Road{newline}Town"


UNREADABLE = [
    (b"Acme,2026,10,5\nK\xf6ln,2026,10,5\n", (3, "customer", "perhaps Windows-1252, “Köln”")),
    (b"Acme,2026,10,5\nAcme,2026,1\x00,5\n", (3, "month", "UTF-8")),
    (b"Acme,2026,10,5\nAcme,2026,9\n", (3, "", "3 values, the header 4 columns")),
    (b"Acme,2026,10,5\nAcme,2026,9,1,2\n", (3, "", "5 values, the header 4 columns")),
    (b"Acme,2026,10,1,250,000\n", (2, "", "what holds a separator itself needs quotation marks")),
    ("“Acme, Inc”,2026,10,5\n".encode(), (2, "", "quotation marks must be straight")),
    (b'Acme,2026,10,5\n"Acme"2,2026,9,1\n', (3, "", "quotation marks do not match")),
    (b'Acme,2026,10,5\n"Acme,2026,9,1\n', (3, "", "quotation marks do not match")),
    (b"Acme,2026,10,5\nAcme,2026,9," + b"1" * 200_000, (3, "", "longer than 131,072")),
    (b"Acme,2026,10,5\nAcme,2026,9," + b"1" * 2_000_000, (3, "", "longer than 1,000,000")),
]


async def test_a_row_that_cannot_be_read_is_named(
    db: Database, people: People, subtests: pytest.Subtests
) -> None:
    for content, expected in UNREADABLE:
        with subtests.test(str(expected)):
            await load_rows(db, people.ana, "customers", ACME)
            with pytest.raises(BadRows) as refused:
                await load(db, people.ana, "usage", HEADERS["usage"].encode() + b"\n" + content)
            line, column, reason = expected
            flaw = refused.value.flaws[0]
            assert (flaw.line, flaw.column) == (line, column)
            assert reason in flaw.reason
            assert await rows_of(db, "select count(*) from usages") == [(0,)]


@pytest.mark.parametrize("content", [b"", b"\n,,,\n", b"\xef\xbb\xbf \r\n"])
async def test_a_file_with_nothing_in_it_is_refused(
    db: Database, people: People, content: bytes
) -> None:
    with pytest.raises(BadRows) as refused:
        await load(db, people.ana, "usage", content)
    assert "the file is empty" in refused.value.flaws[0].reason


OTHER_FILES = [
    ((HEADERS["usage"] + "\n").encode("utf-16"), "UTF-16"),
    ((HEADERS["usage"] + "\n").encode("utf-16-be"), "not UTF-8"),
    (b"PK\x03\x04\x14\x00", "a workbook"),
    ("Café,year\n".encode("cp1252"), "Windows-1252, “Café,year”"),
]


@pytest.mark.parametrize(("content", "what"), OTHER_FILES)
async def test_a_file_of_another_kind_is_called_by_what_it_is(
    db: Database, people: People, content: bytes, what: str
) -> None:
    with pytest.raises(BadRows) as refused:
        await load(db, people.ana, "usage", content)
    [flaw] = refused.value.flaws
    assert what in flaw.reason
    assert "save it as “CSV UTF-8”" in flaw.reason


LONG_HEADERS = [
    (b"a" * 200_000, (1, "longer than 131,072")),
    (b"\ncustomer," + b"a" * 200_000 + b"\nAcme,1\n", (2, "longer than 131,072")),
    (b"a," * 600_000, (1, "longer than 1,000,000")),
    (b"," * 1_200_000 + b"a", (1, "longer than 1,000,000")),
    (b"customer," + b"a" * 100_000, (1, "there is no such column")),
    (b"customer," + b"a," * 200_000, (1, "twice")),
]


@pytest.mark.parametrize(("content", "expected"), LONG_HEADERS)
async def test_a_first_line_that_is_far_too_long_is_named(
    db: Database, people: People, content: bytes, expected: tuple[int, str]
) -> None:
    with pytest.raises(BadRows) as refused:
        await load(db, people.ana, "usage", content)
    line, reason = expected
    flaw = refused.value.flaws[0]
    assert flaw.line == line
    assert reason in flaw.reason
    assert len(str(flaw)) < 500


OPTIONAL_FAULTS = [
    ("country", "UK", "write GB"),
    ("country", "XX", "is not a country"),
    ("country", "Germany", "write DE"),
    ("tax_rate_percent", "0.19", "looks like a fraction"),
    ("tax_rate_percent", "119", "is not a percentage from 0 to 100"),
    ("tax_id", "n/a", "is a placeholder"),
    ("tax_id", "00000", "is a placeholder"),
    ("tax_rate_percent", "19 percent", "as in 19 or 8.1"),
    ("tax_id", "none yet", "has no digit"),
    ("locale", "deutsch", "write de"),
    ("locale", "xx", "write a language and country"),
    ("payment_days", "3000", "is not a number of days from 0 to 365"),
    ("cc_emails", "a@acme.example; b", "is not an e-mail address"),
    ("slack_channel_id", "#acme", "is not a channel's id"),
    ("slack_channel_id", "U012AB3CD", "is not a channel's id"),
    ("valid_from", "2026-10-02", "is not the first day of a month"),
    ("valid_from", "2062-10", "is more than 20 years ahead"),
]


async def test_a_value_that_would_do_harm_later_is_refused_where_it_is_typed(
    db: Database, people: People, subtests: pytest.Subtests
) -> None:
    for column, text, reason in OPTIONAL_FAULTS:
        with subtests.test(column=column, text=text):
            with pytest.raises(BadRows) as refused:
                await load(
                    db, people.ana, "customers", f"{HEADERS['customers']},{column}\n{ACME},{text}"
                )
            [flaw] = refused.value.flaws
            assert (flaw.line, flaw.column) == (2, column)
            assert reason in flaw.reason


async def test_of_very_many_faults_the_first_hundred_are_shown_and_all_are_counted(
    db: Database, people: People
) -> None:
    rows = [f"Nobody {number},2026,13,x" for number in range(250)]
    with pytest.raises(BadRows, match="750 faults") as refused:
        await load_rows(db, people.ana, "usage", *rows)
    assert len(refused.value.flaws) == 100
    assert refused.value.flaws[0].line == 2
    assert refused.value.flaws[-1].line == 35
