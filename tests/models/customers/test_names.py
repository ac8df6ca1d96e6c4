"""One customer, one name; one person, one name: whatever signs it is written with."""

import unicodedata
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models.actions.access import welcome
from models.actions.rename_customer import rename_customer
from models.customers.search import find_customer
from models.db.database import Database
from models.db.migrate import migrate
from models.errors import Ambiguous, Invalid, WrongState
from models.imports.files import Imported
from models.people.permissions import Role
from models.people.users import add_user, find_by_name, rename_person
from tests.harness.books import act, make_bills
from tests.harness.cast import People
from tests.harness.database import EMPTY, TestPostgres
from tests.harness.files import ACME, flaws_of, load_rows, rows_of
from tests.models.customers.names import seen
from tests.old_databases import OLD_DATABASES

CAFE = "Café Zürich AG"
ALIKE = {
    "decomposed": unicodedata.normalize("NFD", CAFE),
    "two blanks": "Café  Zürich AG",
    "tab": "Café\tZürich AG",
    "no-break space": "Café\u00a0Zürich AG",
    "thin space": "Café\u2009Zürich AG",
    "wide blank": "Café\u3000Zürich AG",
    "braille blank": "Café\u2800Zürich AG",
    "zero width space": "Café\u200b Zürich AG",
    "left-to-right mark": "Café Zürich AG\u200e",
    "right-to-left override": "\u202eCafé Zürich AG",
    "byte order mark": "\ufeffCafé Zürich AG",
    "soft hyphen": "Café Zü\u00adrich AG",
    "word joiner": "Café Zürich\u2060 AG",
    "variation selector": "Café\ufe0f Zürich AG",
    "tag": "Café Zürich AG\U000e0041",
    "control sign": "Café Zürich AG\x07",
    "full width": "Ｃａｆé　Ｚürich　ＡＧ",
    "capitals": "CAFÉ ZÜRICH AG",
    "blanks around it": "  Café Zürich AG ",
}


def named(name: str) -> str:
    return ACME.replace("Acme", f'"{name}"')


@pytest.mark.parametrize("typed", ALIKE.values(), ids=ALIKE)
async def test_a_name_in_other_signs_is_the_same_customer(
    db: Database, people: People, typed: str
) -> None:
    await load_rows(db, people.ana, "customers", named(CAFE))
    assert await load_rows(db, people.ana, "customers", named(typed)) == Imported(0, 0, 1)
    assert await load_rows(db, people.ana, "usage", f'"{typed}",2026,10,5') == Imported(1, 0, 0)
    async with db.transaction() as session:
        assert (await find_customer(session, typed)).name == CAFE
    assert await rows_of(db, "select name from customers") == [(CAFE,)]
    [flaw] = await flaws_of(db, people.ana, "customers", named(CAFE), named(typed))
    assert (flaw.line, flaw.reason) == (3, "is the same customer as line 2")


async def test_names_that_can_be_told_apart_stay_two(db: Database, people: People) -> None:
    names = ("Cafe Zürich AG", "Café Zürich-AG", "Café ZürichAG", "Café Zürich AG 2", "Acme's")
    rows = map(named, (CAFE, *names, "Acme\u2019s"))
    assert (await load_rows(db, people.ana, "customers", *rows)).added == 7


async def test_a_name_of_nothing_to_be_seen_is_refused(db: Database, people: People) -> None:
    for nothing in ("\u3164", "\u2800\u200e", "\u115f\u2800"):
        [flaw] = await flaws_of(db, people.ana, "customers", named(nothing))
        assert (flaw.column, "nothing that can be seen" in flaw.reason) == ("name", True)
        [flaw] = await flaws_of(db, people.ana, "people", f"{nothing},,,")
        assert "nothing that can be seen" in flaw.reason
    [flaw] = await flaws_of(db, people.ana, "customers", named("\ufdfa" * 200))
    assert "too long" in flaw.reason


async def test_sql_typed_by_hand_makes_no_twin_either(
    db: Database, database_url: str, people: People
) -> None:
    await load_rows(db, people.ana, "customers", named(CAFE), named("Kobe"))
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in (
            "insert into customers (name, monthly_api_limit) values (%s, 1)",
            "update customers set name = %s where name = 'Kobe'",
            "insert into users (name) select 'KIM' where %s <> ''",
        ):
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute(statement, [ALIKE["full width"]])


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url) as opened:
        yield opened


LETTERS = st.characters(exclude_categories=("Cs", "Cn", "Co"), exclude_characters="\x00")


@settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(names=st.lists(st.text(LETTERS, max_size=20), min_size=1, max_size=50))
@example(names=["ΣΊΣΥΦΟΣ", "σίσυφος", "STRASSE", "straße", "İI ıi", "ﬁ ½ ™", "\u0345ͅα", "´x"])
def test_the_database_takes_for_one_what_a_reader_would(
    connection: psycopg.Connection, names: list[str]
) -> None:
    found = connection.execute(
        "select name_key(n), name_key(name_key(n)) from unnest(%s::text[]) with ordinality"
        " as t (n, at) order by at",
        [names],
    ).fetchall()
    assert [key for key, _ in found] == [seen(name) for name in names]
    assert all(key == again for key, again in found)


async def test_kim_is_found_however_her_name_is_written(db: Database, people: People) -> None:
    async with db.transaction() as session:
        kim = await add_user(session, "Kim  Lee", Role.CSM)
        for typed in ("kim lee", "KIM\u00a0LEE", "Ｋｉｍ Lee\u200b"):
            found = await find_by_name(session, typed)
            assert found is not None
            assert found.id == kim.id
            assert (await add_user(session, typed, Role.CSM)).id == kim.id
        with pytest.raises(Invalid, match="command line"):
            await add_user(session, "Sys\u200btem", Role.CSM)
    row = ACME.replace(",Kim,Sam,", ",kim lee,SAM,")
    assert await load_rows(db, people.ana, "customers", row) == Imported(1, 0, 0)
    assert await load_rows(db, people.ana, "people", "KIM LEE,,Customer Success,") == Imported(
        0, 0, 1
    )
    assert await rows_of(db, "select csm_id, sales_id from customers") == [(kim.id, people.sam.id)]
    [flaw] = await flaws_of(db, people.ana, "people", "Zoe,,,", "ZOE,,,")
    assert flaw.reason == "is the same name as line 2"


async def test_a_renamed_customer_is_found_by_every_name_it_had(
    db: Database, people: People
) -> None:
    [bill, _] = await make_bills(db, people.ana, customers=2)
    for new in ("Initech", "Initrode", "initech"):
        async with db.transaction() as session:
            customer = await find_customer(session, "Customer 1")
            change = await rename_customer(session, customer.id, new, act(people.ana), "sold")
            assert (change.old_name, change.new_name) != (new, new)
    async with db.transaction() as session:
        for typed in ("customer 1", "INITECH", "Initrode"):
            assert (await find_customer(session, typed)).name == "initech"
        assert (await find_customer(session, "Init")).name == "initech"
        with pytest.raises(Ambiguous) as refused:
            await find_customer(session, "Cust")
        assert refused.value.choices == ["Customer 1", "Customer 2"]
    assert await rows_of(
        db, "select old_name, new_name, reason, changed_by, source from customer_changes"
    ) == [
        ("Customer 1", "Initech", "sold", people.ana.id, "slack"),
        ("Initech", "Initrode", "sold", people.ana.id, "slack"),
        ("Initrode", "initech", "sold", people.ana.id, "slack"),
    ]
    row = ACME.replace("Acme", "Customer 1")
    assert await load_rows(db, people.ana, "customers", row) == Imported(0, 1, 0)
    assert await rows_of(db, "select name from customers order by id") == [
        ("initech",),
        ("Customer 2",),
    ]
    [job] = await rows_of(
        db, f"select count(*) from messages where bill_id = {bill} and drawn_actions > 0"
    )
    assert job == (0,)


async def test_a_name_that_is_another_customers_is_refused_and_that_one_named(
    db: Database, people: People
) -> None:
    await load_rows(db, people.ana, "customers", named(CAFE), named("Kobe"), named("Osaka"))
    async with db.transaction() as session:
        osaka = await find_customer(session, "Osaka")
        await rename_customer(session, osaka.id, "Nara", act(people.ana))
    for taken, told in [
        (ALIKE["decomposed"], f"There is a customer {CAFE} already"),
        ("osaka", "There is a customer Nara already, which is or was called “osaka”"),
    ]:
        async with db.transaction() as session:
            kobe = await find_customer(session, "Kobe")
            with pytest.raises(Invalid, match=told):
                await rename_customer(session, kobe.id, taken, act(people.ana))
    async with db.transaction() as session:
        with pytest.raises(WrongState, match="called Nara already"):
            await rename_customer(session, osaka.id, "Nara", act(people.ana))
    [flaw] = await flaws_of(db, people.ana, "customers", named("Nara"), named("osaka"))
    assert flaw.reason == "is the same customer as line 2"


QUOTED = [
    '"Acme Corp"',
    "'Acme Corp'",
    "«Acme Corp»",
    "“Acme Corp”",
    "„Acme Corp“",
    "'“Acme Corp”'",
]


@pytest.mark.parametrize("quoted", QUOTED)
async def test_quotation_marks_around_a_name_make_no_twin(
    db: Database, people: People, quoted: str
) -> None:
    in_file = f'"{quoted.replace(chr(34), chr(34) * 2)}"'
    await load_rows(db, people.ana, "customers", ACME.replace("Acme", in_file))
    again = ACME.replace("Acme", "Acme Corp").replace("Kim", in_file.replace("Acme Corp", "Kim"))
    assert await load_rows(db, people.ana, "customers", again) == Imported(0, 0, 1)
    assert await load_rows(db, people.ana, "usage", f"{in_file},2026,10,5") == Imported(1, 0, 0)
    async with db.transaction() as session:
        acme = await find_customer(session, quoted)
        with pytest.raises(WrongState, match="called Acme Corp already"):
            await rename_customer(session, acme.id, quoted, act(people.ana))
        await rename_customer(session, acme.id, quoted.replace("Acme", "Zed"), act(people.ana))
        change = await rename_person(session, quoted.replace("Acme Corp", "Kim"), quoted)
        assert (await add_user(session, quoted, Role.CSM)).id == people.kim.id
        found = await find_by_name(session, quoted)
        newcomer = await welcome(session, "UNEW", "T", quoted.replace("Acme", "Eve"), None)
    assert (change.after.name, newcomer.name) == ("Acme Corp", "Eve Corp")
    assert found is not None
    assert await rows_of(db, "select name from customers") == [("Zed Corp",)]
    assert await load_rows(db, people.ana, "people", f"{in_file},,Customer Success,") == Imported(
        0, 0, 1
    )


async def test_a_name_that_was_kept_in_quotation_marks_can_still_be_mended(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        await session.execute(
            sa.text("insert into customers (name, monthly_api_limit) values ('\"Acme\"', 1)")
        )
        kept = await find_customer(session, '"Acme"')
        assert (await rename_customer(session, kept.id, "Acme", act(people.ana))).new_name == "Acme"


async def test_what_happened_to_customers_is_only_ever_added_to(
    db: Database, database_url: str, people: People
) -> None:
    await load_rows(db, people.ana, "customers", named("Kobe"))
    async with db.transaction() as session:
        kobe = await find_customer(session, "Kobe")
        await rename_customer(session, kobe.id, "Nara", act(people.ana))
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in (
            "update customer_changes set reason = 'x'",
            "delete from customer_changes",
        ):
            with pytest.raises(psycopg.errors.RestrictViolation):
                connection.execute(statement)


async def test_a_person_is_renamed_but_not_to_somebody_else(db: Database, people: People) -> None:
    async with db.transaction() as session:
        change = await rename_person(session, "kim", "Kim Park")
        assert change.before is not None
        assert (change.before.name, change.after.name) == ("Kim", "Kim Park")
        with pytest.raises(Invalid, match="Somebody else is called Sam"):
            await rename_person(session, "Kim Park", "SAM")
    async with db.transaction() as session:
        assert await session.scalar(sa.text("select count(*) from users where name = 'Kim'")) == 0


def test_twins_that_were_there_before_are_told_apart(postgres: TestPostgres) -> None:
    [old] = [old for old in OLD_DATABASES if old.revision == "0009"]
    name = postgres.create(EMPTY)
    url = postgres.url(name)
    old.restore(url)
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into customers (name, monthly_api_limit) select n, 1 from unnest(%s::text[]) n",
            [[CAFE, ALIKE["decomposed"], f"{CAFE} (2)", ALIKE["soft hyphen"], "\u200b"]],
        )
        connection.execute("insert into users (name) values ('Zoe'), ('ZOE'), ('System')")
    migrate(url)
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "select c.id, c.name, old_name, n.name = c.name from customers c"
            " join customer_names n on n.customer_id = c.id"
            " left join customer_changes on customer_changes.customer_id = c.id"
            " order by c.id desc limit 5"
        ).fetchall()
        people = connection.execute("select name from users order by id desc limit 3").fetchall()
    postgres.drop(name)
    nameless = found[0][0]
    assert [row[1:] for row in reversed(found)] == [
        (CAFE, None, True),
        (f"{ALIKE['decomposed']} (3)", ALIKE["decomposed"], True),
        (f"{CAFE} (2)", None, True),
        (f"{ALIKE['soft hyphen']} (4)", ALIKE["soft hyphen"], True),
        (f"Customer {nameless}", "\u200b", True),
    ]
    assert people == [("System (2)",), ("ZOE (2)",), ("Zoe",)]
