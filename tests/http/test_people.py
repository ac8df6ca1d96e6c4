"""Finance gives roles, links Slack accounts and switches people off, through the API."""

from io import BytesIO

import pytest
import sqlalchemy as sa

from models.db.database import Database
from models.errors import Invalid
from models.imports.files import import_people
from models.imports.rows import BadRows
from models.outbox.messages import Message, MessageKind
from models.people.permissions import Role
from models.people.users import User, add_user
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People
from tests.harness.lock_order import watched_locks
from tests.harness.slack_people import NOW

VERA = {"name": "Vera", "email": "vera@example.com", "password": "correct horse 12"}


async def add(
    db: Database, name: str, role: Role | None = None, slack_id: str | None = None
) -> User:
    async with db.transaction() as session:
        return await add_user(session, name, role, slack_id)


async def messages(db: Database, kind: MessageKind) -> int:
    async with db.transaction() as session:
        count = sa.select(sa.func.count()).where(Message.kind == kind)
        return await session.scalar(count) or 0


async def test_finance_hears_of_a_new_account_and_gives_it_a_role(
    served: BrowserSide, people: People, db: Database
) -> None:
    vera_id = (await served.visitor().post("/api/users", json=VERA)).json["id"]
    assert await messages(db, MessageKind.ACCESS_REQUEST) == 1
    ana = await served.signed_in(people.ana)
    given = await ana.patch(f"/api/users/{vera_id}", json={"role": "Manager"})
    assert (given.status, given.json["role"]) == (200, "Manager")
    vera = served.visitor()
    await vera.post("/api/session", json={"name": "Vera", "password": VERA["password"]})
    assert (await vera.get(f"/api/users/{people.kim.id}")).status == 200
    taken = await ana.patch(f"/api/users/{vera_id}", json={"role": None})
    assert taken.json["role"] is None
    assert (await vera.get(f"/api/users/{people.kim.id}")).status == 403


async def test_nobody_but_finance_changes_people_whoever_they_are(
    served: BrowserSide, people: People
) -> None:
    for one in (people.kim, people.sam, people.max):
        visitor = await served.signed_in(one)
        for path in (f"/api/users/{one.id}", "/api/users/999999"):
            assert (await visitor.patch(path, json={"role": "Finance"})).status == 403
    assert (await served.visitor().patch("/api/users/1", json={})).status == 401


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"role": "Boss"}, "role"),
        ({"active": "yes"}, "active"),
        ({"active": None}, "active"),
        ({"slack_user_id": "kim"}, "slack_user_id"),
        ({"name": "Kim the Great"}, "name"),
        ({"password_digest": "x"}, "password_digest"),
        ({"id": 3}, "id"),
    ],
)
async def test_what_cannot_be_changed_is_named(
    served: BrowserSide, people: People, given: dict[str, object], field: str
) -> None:
    ana = await served.signed_in(people.ana)
    refused = await ana.patch(f"/api/users/{people.kim.id}", json=given)
    assert (refused.status, refused.json["field"]) == (422, field)
    assert (await ana.patch("/api/users/999999", json=given)).status == 404


async def test_the_last_of_finance_stays(served: BrowserSide, people: People) -> None:
    ana = await served.signed_in(people.ana)
    for given in ({"role": "Sales"}, {"role": None}, {"active": False}):
        refused = await ana.patch(f"/api/users/{people.ana.id}", json=given)
        assert refused.status == 422
        assert "nobody with the role Finance" in refused.json["detail"]
    assert (await ana.get("/api/users")).status == 200


async def test_whoever_cannot_sign_in_is_not_counted_as_finance(
    served: BrowserSide, people: People, db: Database
) -> None:
    """Zoe has neither Slack nor a password: alone, she would be the last of Finance for ever."""
    await add(db, "Zoe", Role.FINANCE)
    ana, herself = await served.signed_in(people.ana), f"/api/users/{people.ana.id}"
    for given in ({"role": "Sales"}, {"active": False}, {"slack_user_id": None}):
        refused = await ana.patch(herself, json=given)
        assert (refused.status, "who can sign in" in refused.json["detail"]) == (422, True)


async def test_the_system_is_nobody(served: BrowserSide, people: People) -> None:
    ana = await served.signed_in(people.ana)
    refused = await ana.patch(f"/api/users/{people.system.id}", json={"role": "Finance"})
    assert refused.status == 404


async def test_whoever_is_switched_off_is_out_at_once_and_starts_anew(
    served: BrowserSide, people: People, db: Database
) -> None:
    vera_id = (await served.visitor().post("/api/users", json=VERA)).json["id"]
    vera = served.visitor()
    signed = {"name": "Vera", "password": VERA["password"]}
    await vera.post("/api/session", json=signed)
    token = (await vera.post("/api/tokens", json={"name": "report"})).json["token"]
    script = served.visitor(token)
    ana = await served.signed_in(people.ana)
    off = await ana.patch(f"/api/users/{vera_id}", json={"active": False})
    assert off.json["active"] is False
    assert (await ana.patch(f"/api/users/{vera_id}", json={"active": True})).json["active"]
    assert (await vera.get("/api/session")).status == 401
    assert (await script.get("/api/session")).status == 401
    assert (await served.visitor().post("/api/session", json=signed)).status == 401


async def test_what_accounts_change_is_locked_in_the_one_order(
    served: BrowserSide, people: People
) -> None:
    ana, vera = await served.signed_in(people.ana), served.visitor()
    signed = {"name": "Vera", "password": VERA["password"]}
    new = {"old_password": VERA["password"], "new_password": "another horse 34"}
    with watched_locks() as faults:
        vera_id = (await vera.post("/api/users", json=VERA)).json["id"]
        await vera.post("/api/session", json=signed)
        assert (await vera.put("/api/password", json=new)).status == 204
        for edit in ({"role": "Sales", "slack_user_id": "UVERA"}, {"active": False}):
            assert (await ana.patch(f"/api/users/{vera_id}", json=edit)).status == 200
    assert faults == []


# -- Slack accounts ------------------------------------------------------------------------


async def test_finance_links_a_web_account_with_a_slack_account(
    served: BrowserSide, people: People, db: Database
) -> None:
    vera = await add(db, "Vera", Role.SALES)
    ana = await served.signed_in(people.ana)
    linked = await ana.patch(f"/api/users/{vera.id}", json={"slack_user_id": "UVERA"})
    assert (linked.status, linked.json["slack_user_id"]) == (200, "UVERA")
    loose = await ana.patch(f"/api/users/{vera.id}", json={"slack_user_id": None})
    assert loose.json["slack_user_id"] is None


async def test_whoever_asked_from_slack_alone_gives_way(
    served: BrowserSide, people: People, db: Database
) -> None:
    vera, asked = await add(db, "vera", Role.SALES), await add(db, "Vera Moss", None, "UVERA")
    ana = await served.signed_in(people.ana)
    linked = await ana.patch(f"/api/users/{vera.id}", json={"slack_user_id": "UVERA"})
    assert linked.json["slack_user_id"] == "UVERA"
    gone = (await ana.get(f"/api/users/{asked.id}")).json
    assert (gone["slack_user_id"], gone["active"]) == (None, False)


async def test_two_people_never_share_a_slack_account_and_it_is_said_what_to_do(
    served: BrowserSide, people: People, db: Database
) -> None:
    vera = await add(db, "Vera", Role.SALES)
    ana = await served.signed_in(people.ana)
    refused = await ana.patch(f"/api/users/{vera.id}", json={"slack_user_id": "UKIM"})
    assert refused.status == 409
    assert "That is the Slack account of Kim (Customer Success)" in refused.json["detail"]
    assert "switch Vera off" in refused.json["detail"]
    assert (await ana.get(f"/api/users/{vera.id}")).json["slack_user_id"] is None


# -- names that prove nothing --------------------------------------------------------------


async def test_a_stranger_who_took_a_colleagues_name_does_not_get_the_colleagues_role(
    served: BrowserSide, people: People, db: Database
) -> None:
    await served.visitor().post("/api/users", json=VERA)
    for slack_id in (None, "UVERA"):
        with pytest.raises(Invalid, match="made an account on the web"):
            await add(db, "Vera", Role.CSM, slack_id)
    file = b"name,email,role,slack_user_id\nVera,vera@example.com,Customer Success,UVERA\n"
    async with db.long_transaction() as session:
        with pytest.raises(BadRows) as refused:
            await import_people(session, BytesIO(file), people.ana, NOW)
    (flaw,) = refused.value.flaws
    assert "made an account on the web" in flaw.reason


async def test_the_list_of_people_comes_back_unchanged_with_a_newcomer_in_it(
    served: BrowserSide, people: People, db: Database
) -> None:
    await served.visitor().post("/api/users", json=VERA)
    ana = await served.signed_in(people.ana)
    sheet = (await ana.get("/api/users.csv")).text
    [row] = [line for line in sheet.splitlines() if "Vera" in line]
    more = [row.replace("vera@", "eve@"), row.replace("true", "false"), f"vera,,{Role.SALES},,true"]
    async with db.long_transaction() as session:
        done = await import_people(session, BytesIO(sheet.encode()), people.ana, NOW)
        assert (done.added, done.changed, done.unchanged) == (0, 0, len(sheet.splitlines()) - 1)
        for other in more:
            with pytest.raises(BadRows, match="one fault"):
                await import_people(
                    session, BytesIO(sheet.replace(row, other).encode()), people.ana, NOW
                )


async def test_a_name_in_two_alphabets_is_marked_for_whoever_gives_it_a_role(
    served: BrowserSide, people: People
) -> None:
    for name in ("D\u0430na Ortiz", "Dana Ortiz", "Юлия Ruiz", "Žofie Ångström"):
        made = await served.visitor().post("/api/users", json=VERA | {"name": name})
        assert made.status == 201
    page = (await (await served.signed_in(people.ana)).get("/people")).text
    assert page.count("Letters of two alphabets") == 2
    assert page.index("D\u0430na") < page.index("Letters of two alphabets")
