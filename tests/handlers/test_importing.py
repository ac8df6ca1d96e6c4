"""Finance imports usage in Slack: a file put into a dialog, looked at, and taken in once agreed."""

from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.slack.files import bring_file
from handlers.slack import background, context
from handlers.slack.answers import NotBrought
from models.actions.uploaded_files import UploadedFile
from sandbox.fake_slack.api import uploads
from sandbox.fake_slack.api.downloads import Downloads
from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.world.files import file_json
from tests.handlers.conftest import Bills
from tests.harness.books import send_out
from tests.harness.cast import People
from tests.harness.record import bill_of
from tests.harness.running import Listeners, slack_client
from tests.harness.slack_people import Json, Team, read
from tests.harness.waiting import until

HEAD = "customer,year,month,api_usage\n"
NEXT = f"{HEAD}Acme Corp,2026,10,1300\nBolt Ltd,2026,10,1700\nbolt ltd,2026,9,7\n"


async def recorded(team: Team) -> list[tuple[str, int, int]]:
    query = sa.text(
        "select c.name, u.month, u.api_usage from usages u"
        " join customers c on c.id = u.customer_id order by 1, 2"
    )
    async with team.db.transaction() as session:
        return [(name, month, calls) for name, month, calls in await session.execute(query)]


AS_IT_WAS = [("Acme Corp", 10, 1500), ("Bolt Ltd", 10, 1500)]


def file(content: str | bytes, name: str = "usage.csv") -> list[Json]:
    given = content.encode() if isinstance(content, str) else content
    return [{"name": name, "content_base64": b64encode(given).decode()}]


async def previews(
    team: Team, content: str | bytes, name: str = "usage.csv", typed: str = "/usage import"
) -> Json:
    """Ana puts a file into the dialog; what Slack does then."""
    await team.ana.types(typed)
    return await team.ana.submits(file=file(content, name))


async def test_ana_sees_what_a_file_would_do_and_applies_it_once(
    team: Team, october: Bills, people: People
) -> None:
    await send_out(team.db, people, october.bolt)
    await previews(team, NEXT)
    asked = team.ana.dialog
    for told in (
        *("usage.csv", "1 added, 2 changed, 0 unchanged.", "Nothing is written yet."),
        *("2 bills move with it:", "asks for approval again", "correction, proposed", "+$100.00"),
        *("Acme Corp 2026-10: 1,300, until now 1,500.", "Bolt Ltd 2026-09: 7, until now none."),
    ):
        assert told in read(asked).replace("  ", " "), told
    assert asked["submit"]["text"] == "Apply"
    assert await recorded(team) == AS_IT_WAS
    await team.ana.submits()
    done = team.ana.dialog
    assert "usage.csv  is in: 1 added, 2 changed, 0 unchanged." in read(done)
    assert done["submit"] is None
    taken_in = [("Acme Corp", 10, 1300), ("Bolt Ltd", 9, 7), ("Bolt Ltd", 10, 1700)]
    assert await recorded(team) == taken_in
    assert (await bill_of(team.db, october.acme)).overage_amount == 150
    await previews(team, NEXT)
    assert "There is nothing to do." in read(team.ana.dialog)
    assert team.ana.dialog["submit"] is None


async def test_ana_takes_in_customers_with_what_becomes_of_their_bills(
    team: Team, october: Bills
) -> None:
    await team.ana.types("/customer import")
    assert "Import customers" in str(team.ana.dialog["title"])
    terms = "monthly_api_limit,overage_unit_cost,valid_from"
    file_of = f"name,tax_id,{terms}\nAcme Corp,DE1,1200,1,2026-10\nZoo Ltd,,500,,\n"
    await previews(team, file_of, "customers.csv", "/customer import")
    asked = read(team.ana.dialog).replace("  ", " ")
    for told in (
        *("1 added, 1 changed, 0 unchanged.", "1 bill moves with it:", "asks for approval again"),
        *(
            "Acme Corp, Tax number: DE1, until now none.",
            "Acme Corp, Included calls a month: 1,200",
        ),
        "Zoo Ltd: new, with Included calls a month: 500.",
    ):
        assert told in asked, told
    await team.ana.submits()
    assert "customers.csv  is in: 1 added, 1 changed, 0 unchanged." in read(team.ana.dialog)
    assert (await bill_of(team.db, october.acme)).version == 2
    await team.kim.types("/customer import")
    assert team.kim.dialogs == []


async def test_ana_takes_in_people_from_the_list_of_them(team: Team) -> None:
    listed = await team.ana.types("/bill people")
    await team.ana.clicks("Import a file", on=listed)
    assert "Import people" in str(team.ana.dialog["title"])
    await team.ana.submits(file=file("name,email,role,slack_user_id\nKim,,Manager,\nBen,,Sales,\n"))
    asked = read(team.ana.dialog).replace("  ", " ")
    assert "Kim, Role: Manager, until now Customer Success." in asked
    assert "Ben: new, with Role: Sales." in asked
    await team.ana.submits()
    assert "1 added, 1 changed, 0 unchanged." in read(team.ana.dialog)
    async with team.db.transaction() as session:
        query = sa.text("select name, role from users where name in ('Kim', 'Ben') order by name")
        found = [tuple(row) for row in await session.execute(query)]
    assert found == [("Ben", "Sales"), ("Kim", "Manager")]


async def test_a_preview_that_is_agreed_to_twice_is_taken_in_once(
    team: Team, listeners: Listeners
) -> None:
    await previews(team, NEXT)
    agreed = team.ana.dialog
    await team.ana.submits()
    late = await listeners.hear(_sent(team, "UANA", agreed))
    assert "is in already. Nothing was done again." in late.body
    foreign = await listeners.hear(_sent(team, "UKIM", agreed))
    assert "only Finance may record usage" in foreign.body
    assert len(await recorded(team)) == 3


def _sent(team: Team, user: str, view: Json) -> Json:
    """A dialog as it is sent, perhaps once more, or by somebody else."""
    by = {"user": {"id": user, "team_id": team.sandbox.team_id}}
    return {"type": "view_submission", "trigger_id": f"1.{user}.again", "view": view, **by}


async def test_what_has_changed_since_is_shown_and_not_applied(team: Team, october: Bills) -> None:
    await previews(team, NEXT)
    async with team.db.transaction() as session:
        await session.execute(sa.text("update usages set api_usage = 1400"))
    await team.ana.submits()
    anew = team.ana.dialog
    assert "Something has changed since you looked. Nothing was written" in read(anew)
    assert "1,300, until now 1,400." in read(anew)
    assert anew["submit"]["text"] == "Apply"
    assert len(await recorded(team)) == 2


FAULTY: list[tuple[str | bytes, str, list[str]]] = [
    (
        f"{HEAD}Acme Corp,2026,10,1\nNobody <!channel>,2026,10,x\nNobody <!channel>,2026,9,1\n",
        "usage.csv",
        ["3 faults", "Line 3 and 1 more, customer", "is no customer's name", "Line 3, api_us"],
    ),
    ("name;month\nAcme;10\n", "usage.csv", ["name", "Line 1"]),
    (b"PK\x03\x04workbook", "usage.csv", ["Line 1: ", "a workbook, not CSV"]),
    ("\n\n", "usage.txt", ["Line 1: ", "the file is empty"]),
    (b"\xff\xfec\x00", "usage.csv", ["UTF-16"]),
    (HEAD + "".join(f"No {at},2026,10,1\n" for at in range(40)), "a.tsv", ["40", "10 more"]),
]


async def test_a_file_with_faults_is_refused_line_by_line_and_another_can_be_chosen(
    team: Team,
) -> None:
    await team.ana.types("/usage import")
    for content, name, faults in FAULTY:
        await team.ana.submits(file=file(content, name))
        for told in ("Nothing was written: ", name, *faults):
            assert told in read(team.ana.dialog), read(team.ana.dialog)
    await team.ana.submits(file=file(NEXT))
    assert team.ana.dialog["submit"]["text"] == "Apply"
    assert await recorded(team) == AS_IT_WAS


@pytest.fixture
async def foreign() -> AsyncIterator[tuple[str, list[str]]]:
    """A host that is not Slack's, and the tokens that it was sent."""
    seen: list[str] = []

    async def take(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        return web.Response(text=NEXT, content_type="text/csv")

    app = web.Application()
    app.router.add_get("/{path:.*}", take)
    async with TestServer(app) as server:
        yield str(server.make_url("/usage.csv")), seen


def described(**other: Any) -> Callable[..., Json]:
    """Slack's description of a file, in which something is another."""
    return lambda kept, base_url: {**file_json(kept, base_url), **other}


MISLEADING = [
    ({"url_private_download": "{foreign}"}, "not kept in Slack itself"),
    ({"url_private_download": "//files.slack.com.evil.example/a"}, "not kept in Slack itself"),
    ({"url_private_download": "https://files.slack.com@{host}/a"}, "not kept in Slack itself"),
    ({"url_private_download": "http://[::1"}, "not kept in Slack itself"),
    ({"url_private_download": "", "url_private": ""}, "not kept in Slack itself"),
    ({"mode": "external", "is_external": True}, "not kept in Slack itself"),
    ({"size": 64_000_001}, "too large: at most 64 MB"),
    ({"url_private_download": "{slack}/files-pri/F404/a.csv"}, "Choose it again"),
    ({"url_private_download": "{slack}/nowhere"}, "Choose it again"),
]


async def test_only_slacks_own_files_are_asked_for_and_only_there_the_token_goes(
    team: Team, foreign: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, tokens = foreign
    host = address.removeprefix("http://").partition("/")[0]
    await team.ana.types("/usage import")
    for told, why in MISLEADING:
        other = {
            key: value.format(foreign=address, host=host, slack=team.sandbox.base_url)
            if isinstance(value, str)
            else value
            for key, value in told.items()
        }
        monkeypatch.setattr(uploads, "file_json", described(**other))
        answer = await team.ana.submits(file=file(NEXT))
        assert why in answer["errors"]["file"], (told, answer)
    assert tokens == []


async def test_a_file_that_is_gone_longer_than_it_said_or_not_to_be_read_is_told(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = sandbox.slack.files.store("usage.csv", "UANA", 0, NEXT.encode())
    monkeypatch.setattr(uploads, "file_json", described(size=10))
    async with slack_client(sandbox) as slack:
        assert (await bring_file(slack, kept.id, len(NEXT))).content == NEXT.encode()
        with pytest.raises(NotBrought, match="too large"):
            await bring_file(slack, kept.id, len(NEXT) - 1)
        with monkeypatch.context() as changed:
            changed.setattr(Downloads, "_may_read", lambda *_: False)
            with pytest.raises(NotBrought, match="lacks the scope files:read"):
                await bring_file(slack, kept.id, len(NEXT))
        sandbox.slack.files.clear()
        with pytest.raises(NotBrought, match="Choose it again"):
            await bring_file(slack, kept.id, len(NEXT))


async def test_what_takes_long_is_shown_in_the_dialog_or_told_to_whoever_has_closed_it(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "LATER_PART", 0)
    monkeypatch.setattr(background, "RECEIVED_S", 0.1)
    await previews(team, NEXT)
    assert "Looking at the file." in read(team.ana.dialog)
    await until(lambda: team.ana.dialog["submit"])
    await team.ana.submits()
    assert "Taking in the file, all of it or nothing." in read(team.ana.dialog)
    await team.sandbox.close("UANA", team.ana.dialog["id"])
    await until(
        lambda: any("is in: 1 added" in read(one) for one in team.ana.whispers(team.ana.dm))
    )
    assert len(await recorded(team)) == 3
    await previews(team, f"{HEAD}Nobody,2026,10,1\n")
    await until(lambda: "is no customer's name" in read(team.ana.dialog))


async def test_nobody_but_finance_imports(team: Team, listeners: Listeners) -> None:
    for user in ("UKIM", "ULEE", "UMAX", "UNEW", "UGUS", "UFAR"):
        person = team.person(user)
        assert (await person.types("/usage import"))["text"]
        assert person.dialogs == []
    await team.ana.types("/usage import")
    empty = await listeners.hear(_sent(team, "UANA", team.ana.dialog))
    assert "Choose a file first." in empty.body
    forged = {"file": {"value": file(NEXT)}}
    for user in ("UKIM", "UNEW", "UGUS"):
        await team.sandbox.submit(user, team.ana.dialog["id"], forged)
    async with team.db.transaction() as session:
        assert (await session.scalars(sa.select(UploadedFile.id))).all() == []
