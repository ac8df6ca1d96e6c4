"""People are changed with open eyes: what becomes of them is told, and Finance is never nobody."""

import asyncio
import json
from pathlib import Path

import pytest

from models.db.database import Database
from models.errors import Invalid
from models.imports.files import Imported
from models.people.permissions import Role
from models.people.users import add_user, set_person
from tests.harness.cast import People
from tests.harness.files import HEADERS, load, load_rows, rows_of
from tests.harness.terminal import Terminal

DANA = ("people", "add", "Dana Ortiz", "--role", "finance", "--slack-id", "UDANA")
LAST = (
    "That would leave nobody with the role Finance, which Dana Ortiz had. "
    "Give somebody else that role first with `countersign people add NAME --role Finance`.\n"
)


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, {"DATABASE_URL": database_url})


def importing(terminal: Terminal, *rows: str) -> tuple[str, ...]:
    text = "\n".join((HEADERS["people"], *rows))
    (terminal.folder / "people.csv").write_text(text, encoding="utf-8")
    return "import", "people", "people.csv"


def test_a_wrong_slack_id_does_not_take_the_last_of_finance_away(terminal: Terminal) -> None:
    terminal.done(*DANA)
    before = terminal.done("export", "people")
    wrong = importing(terminal, "Eve,,Sales,UDANA")
    for command in (
        wrong,
        (*wrong, "--dry-run"),
        ("people", "add", "dana ortiz", "--role", "sales"),
        ("people", "add", "Eve", "--role", "sales", "--slack-id", "UDANA"),
    ):
        answer = terminal.run(*command)
        assert (answer.status, answer.stdout, answer.stderr) == (1, "", LAST)
    assert terminal.done("export", "people") == before
    terminal.done("people", "add", "Fay", "--role", "Finance")
    assert terminal.done(*wrong).splitlines()[1:] == [
        "  Dana Ortiz is called Eve now",
        "  Eve is Sales now, and was Finance",
    ]


def test_an_import_says_who_is_called_otherwise_and_who_lost_a_role_before_it_is_done(
    terminal: Terminal,
) -> None:
    terminal.done(*DANA)
    terminal.done("people", "add", "Kim Lee", "--role", "customer success", "--slack-id", "UKIM")
    before = terminal.done("export", "people")
    words = importing(
        terminal, "Kim Park,,,UKIM", "dana  ortiz,dana@example.com,Finance,", "Zoe,,,"
    )
    told = [
        "people.csv: 1 added, 2 changed, 0 unchanged.",
        "  Kim Lee is called Kim Park now",
        "  Kim Park is without a role now, and was Customer Success",
    ]
    dry = terminal.done(*words, "--dry-run")
    assert dry.splitlines() == ["Nothing was written. This is what would be:", *told]
    assert terminal.done("export", "people") == before
    scripted = json.loads(terminal.done(*words, "--dry-run", "--json"))
    assert [scripted[name] for name in ("dry_run", "added", "changed")] == [True, 1, 2]
    assert scripted["people"][0]["before"]["role"] == "Customer Success"
    assert scripted["people"][0]["after"]["name"] == "Kim Park"
    assert terminal.done(*words).splitlines() == told
    assert "Dana Ortiz,dana@example.com,Finance,UDANA" in terminal.done("export", "people")


def test_a_csm_who_was_hired_again_gets_her_new_slack_account(terminal: Terminal) -> None:
    terminal.done(*DANA)
    kim = ("people", "add", "Kim Lee", "--role", "customer success", "--slack-id")
    terminal.done(*kim, "UKIM")
    refused = terminal.run(*kim, "UNEW")
    assert (refused.status, refused.stderr) == (
        1,
        "Somebody else is called Kim Lee already, with the Slack account UKIM. Give that person "
        "the new account with `countersign people add NAME --role ROLE --slack-id ID --replace`.\n",
    )
    assert terminal.run(*importing(terminal, "Kim Lee,,Customer Success,UNEW")).status == 1
    assert terminal.done(*kim, "UNEW", "--replace").splitlines() == [
        "Kim Lee has the role Customer Success.",
        "  Kim Lee has the Slack account UNEW now, and had UKIM",
    ]


async def test_who_left_and_came_back_is_found_by_name(db: Database, people: People) -> None:
    """Kim left the workspace, and has another account in it by now."""
    await load(db, people.ana, "people", f"{HEADERS['people']},active\nKim,,Customer Success,,no")
    done = await load_rows(db, people.ana, "people", "KIM,,Customer Success,UNEW")
    [kim] = done.people
    assert kim.before is not None
    assert (kim.before.active, kim.before.slack_user_id) == (False, "UKIM")
    assert (kim.after.active, kim.after.slack_user_id, kim.after.name) == (True, "UNEW", "Kim")
    async with db.transaction() as session:
        lee = await add_user(session, "Lee", Role.CSM)
        assert (lee.slack_user_id, lee.slack_team_id) == ("ULEE", None)


async def test_an_account_that_asked_for_access_goes_to_whom_it_belongs(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        await add_user(session, "Kim (UNEW)", None, "UNEW")
    async with db.transaction() as session:
        with pytest.raises(Invalid, match="Somebody else is called Kim"):
            await set_person(session, "Kim", Role.CSM, "UNEW")
        kim, _ = await set_person(session, "Kim", Role.CSM, "UNEW", replace=True)
        assert kim.id == people.kim.id
        with pytest.raises(Invalid, match="Somebody else is called Kim"):
            await set_person(session, "Kim", Role.CSM, "USAM", replace=True)
    assert await rows_of(
        db, "select name, active, slack_user_id from users where name like 'Kim%' order by id"
    ) == [("Kim", True, "UNEW"), ("Kim (UNEW)", False, None)]


async def test_two_who_take_the_last_two_of_finance_away_at_once_leave_one(
    db: Database, people: People
) -> None:
    async with db.transaction() as session:
        await add_user(session, "Fay", Role.FINANCE)

    async def demote(name: str) -> bool:
        try:
            async with db.transaction() as session:
                await add_user(session, name, Role.SALES)
        except Invalid:
            return False
        return True

    assert sorted(await asyncio.gather(demote("Ana"), demote("Fay"))) == [False, True]
    last = "select count(*) from users where role = 'Finance' and active"
    assert await rows_of(db, last) == [(1,)]


async def test_a_file_that_takes_all_of_finance_away_at_once_is_refused(
    db: Database, people: People
) -> None:
    await load_rows(db, people.system, "people", "Fay,,Finance,")
    assert await load_rows(db, people.system, "people", "Fay,,Finance,") == Imported(0, 0, 1)
    with pytest.raises(Invalid, match="which Ana, Fay had"):
        await load_rows(db, people.system, "people", "Fay,,Sales,", "Ana,,Manager,")


async def test_a_file_of_a_person_leaves_somebody_of_finance_who_can_sign_in(
    db: Database, people: People
) -> None:
    """Ana could not come back to mend it; whoever types commands could."""
    await load_rows(db, people.system, "people", "Fay,,Finance,")
    with pytest.raises(Invalid, match="nobody with the role Finance who can sign in, which Ana"):
        await load_rows(db, people.ana, "people", "Ana,,Manager,UANA")
    assert (await load_rows(db, people.system, "people", "Ana,,Manager,UANA")).changed == 1
