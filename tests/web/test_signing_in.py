"""Welcome, one-time links, one's own account, people: as a browser without JavaScript has them."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from handlers.web.next_page import next_page
from models.actions.accounts import FRESH
from models.db.database import Database
from models.people.permissions import Role
from models.people.sign_in_links import LIFETIME, make_sign_in_link
from models.people.users import User, add_user
from tests.harness.browser_side import Answer, BrowserSide, Visitor
from tests.harness.cast import People
from tests.harness.slack_people import NOW, Clock

PASSWORD = "correct horse 12"


async def sign_up(visitor: Visitor, name: str = "Vera Moss", **more: str) -> Answer:
    form = {"new_name": name, "email": "vera@example.com", "new_password": PASSWORD} | more
    return await visitor.post("/welcome/sign-up", data=form)


async def sign_in(visitor: Visitor, name: str = "Vera Moss", **more: str) -> Answer:
    form = {"name": name, "password": PASSWORD} | more
    return await visitor.post("/welcome/sign-in", data=form)


async def link_for(db: Database, user: User, at: datetime = NOW) -> str:
    async with db.transaction() as session:
        return f"/sign-in/{await make_sign_in_link(session, user, at)}"


def to(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.headers.get("Location", "")


async def test_vera_makes_an_account_and_waits_until_finance_gives_her_a_role(
    served: BrowserSide, people: People
) -> None:
    vera, ana = served.visitor(), await served.signed_in(people.ana)
    welcome = (await vera.get("/welcome")).text
    assert "Make an account" in welcome
    assert welcome.count('autocomplete="current-password"') == 1
    assert welcome.count('autocomplete="new-password"') == 1
    assert to(await sign_up(vera)) == (303, "/")
    assert to(await vera.get("/")) == (303, "/access")
    told = await vera.get("/access")
    assert "You have no role yet" in told.text
    refused = await vera.get("/dashboard")
    assert (refused.status, "You have no role yet" in refused.text) == (403, True)

    waiting = (await ana.get("/people")).text
    asked = re.search(r'href="(/people/\d+/role)"', waiting)
    assert asked is not None
    assert "Vera Moss" in waiting
    assert "give a role to nobody whom you have not asked" in (await ana.get(asked[1])).text
    none_chosen = await ana.post(asked[1], data={"role": ""})
    assert (none_chosen.status, "Name a role." in none_chosen.text) == (422, True)
    assert to(await ana.post(asked[1], data={"role": "Manager"})) == (303, "/people")
    assert to(await ana.get(asked[1])) == (303, asked[1].removesuffix("/role"))
    assert to(await vera.get("/")) == (303, "/dashboard")
    assert (await vera.get("/dashboard")).status == 200


async def test_the_first_of_all_reads_that_their_account_keeps_the_books(
    served: BrowserSide, db: Database
) -> None:
    vera = served.visitor()
    welcome = (await vera.get("/welcome")).text
    assert "Make the first account" in welcome and "it is Finance" in welcome
    assert "current-password" not in welcome
    short = await sign_up(vera, new_password="short")
    assert (short.status, "it is Finance" in short.text) == (422, True)
    assert to(await sign_up(vera)) == (303, "/")
    assert to(await vera.get("/")) == (303, "/dashboard")
    assert "Your account is made. You are Finance." in (await vera.get("/dashboard")).text
    assert "Make the first" not in (await served.visitor().get("/welcome")).text


async def test_whoever_was_declined_today_reads_so_and_may_ask_again_tomorrow(
    served: BrowserSide, people: People
) -> None:
    vera, ana = served.visitor(), await served.signed_in(people.ana)
    await sign_up(vera)
    asked = re.search(r'href="(/people/\d+/role)"', (await ana.get("/people")).text)
    assert asked is not None
    decline = re.search(r'action="(/people/\d+/decline)"', (await ana.get(asked[1])).text)
    assert decline is not None
    assert to(await ana.post(decline[1])) == (303, "/people")
    assert to(await vera.post("/access")) == (303, "/access")
    assert "Your request was declined today." in (await vera.get("/access")).text


async def test_what_is_wrong_with_a_new_account_stands_beside_its_field(
    served: BrowserSide, people: People
) -> None:
    short = await sign_up(served.visitor(), new_password="short")
    assert (short.status, 'id="e-new_password"' in short.text) == (422, True)
    assert 'value="Vera Moss"' in short.text
    assert 'value="short"' not in short.text
    taken = await sign_up(served.visitor(), name="KIM")
    assert (taken.status, 'id="e-new_name"' in taken.text) == (422, True)
    assert "If that is you, type <code>/bill web</code> in Slack" in taken.text
    wrong = await sign_up(served.visitor(), name="KIM", email="nobody", new_password="short")
    assert re.findall(r'id="e-(\w+)"', wrong.text) == ["new_name", "email", "new_password"]


async def test_a_wrong_password_is_told_on_the_page_and_the_name_stays(
    served: BrowserSide,
) -> None:
    await sign_up(served.visitor())
    wrong = await sign_in(served.visitor(), password="wrong horse 12", next="/customers")
    assert (wrong.status, "do not belong together" in wrong.text) == (401, True)
    assert 'name="next" value="/customers"' in wrong.text
    assert 'value="Vera Moss"' in wrong.text
    assert "wrong horse" not in wrong.text
    for _ in range(10):
        told = await sign_in(served.visitor(), password="wrong horse 12")
    assert (told.status, "Retry-After" in told.headers) == (429, True)
    assert "Try again in" in told.text


async def test_one_goes_on_to_the_page_one_came_for(served: BrowserSide) -> None:
    await sign_up(served.visitor())
    vera = served.visitor()
    assert to(await vera.get("/customers?q=a")) == (303, "/welcome?next=%2Fcustomers%3Fq%3Da")
    assert to(await sign_in(vera, next="/customers?q=a")) == (303, "/customers?q=a")
    assert to(await vera.get("/welcome?next=/month/2026-10")) == (303, "/month/2026-10")


ELSEWHERE = [
    "https://elsewhere.example/",
    "//elsewhere.example",
    "///elsewhere.example",
    "/\\elsewhere.example",
    "\\\\elsewhere.example",
    "/\t/elsewhere.example",
    "/\n/elsewhere.example",
    "/%0d%0aSet-Cookie:x=1\r\nSet-Cookie: x=1",
    " //elsewhere.example",
    "javascript:alert(1)",
    "/x\\..\\\\elsewhere.example",
    "customers",
    "",
]


async def test_nobody_is_sent_to_another_site(
    served: BrowserSide, subtests: pytest.Subtests
) -> None:
    await sign_up(served.visitor())
    for asked in ELSEWHERE:
        with subtests.test(asked=asked):
            assert next_page(asked) == "/"
            vera = served.visitor()
            signed = await sign_in(vera, next=asked)
            assert to(signed) == (303, "/")
            cookies = [one.partition("=")[0] for one in signed.headers.getall("Set-Cookie")]
            assert cookies == ["session", "browser"]
            assert to(await vera.get("/welcome", params={"next": asked})) == (303, "/")
            shown = (await served.visitor().get("/welcome", params={"next": asked})).text
            assert 'name="next" value=""' in shown


# -- one-time links ------------------------------------------------------------------------


async def test_kim_without_a_password_comes_by_a_link_and_sets_one(
    served: BrowserSide, people: People, db: Database
) -> None:
    link = await link_for(db, people.kim)
    kim = served.visitor()
    looked = await kim.get(link)
    assert (looked.status, "Sign in as Kim?" in looked.text) == (200, True)
    assert "Set-Cookie" not in looked.headers
    assert looked.headers["Referrer-Policy"] == "same-origin"
    assert to(await kim.post(link)) == (303, "/")
    dashboard = (await kim.get("/dashboard")).text
    assert '<a href="/account#password">Set a password' in dashboard
    assert "Set a password" not in (await kim.get("/dashboard")).text
    account = (await kim.get("/account")).text
    assert "Set a password" in account
    assert 'name="old_password"' not in account
    set_ = await kim.post("/account/password", data={"new_password": PASSWORD})
    assert to(set_) == (303, "/account")
    assert to(await sign_in(served.visitor(), "Kim")) == (303, "/")


async def test_a_link_leads_on_to_the_bill_that_one_came_for(
    served: BrowserSide, people: People, db: Database
) -> None:
    """Kim follows *Web page* on a card, is asked to sign in, and types `/bill web`."""
    kim = served.visitor()
    came = (await kim.get("/bills/7?from=card#figures")).headers["Location"]
    await kim.get(came)
    assert to(await kim.post(await link_for(db, people.kim))) == (303, "/bills/7?from=card")
    assert to(await kim.post(await link_for(db, people.kim))) == (303, "/")
    for elsewhere in ("//elsewhere.example", "https:%2F%2Felsewhere.example", "/%5Celsewhere"):
        cookie = {"Cookie": f"next={elsewhere}"}
        entered = await served.visitor().post(await link_for(db, people.kim), headers=cookie)
        assert to(entered) == (303, "/")


async def test_a_link_holds_once_and_whoever_looks_at_it_does_not_use_it_up(
    served: BrowserSide, people: People, db: Database
) -> None:
    link = await link_for(db, people.kim)
    for _ in range(3):
        assert (await served.visitor().get(link)).status == 200
        assert (await served.visitor().ask("HEAD", link)).status in (200, 405)
    assert (await served.visitor().post(link)).status == 303
    for answer in (await served.visitor().post(link), await served.visitor().get(link)):
        assert (answer.status, "used already" in answer.text) == (410, True)
        assert "Type <code>/bill web</code> in Slack for another" in answer.text


async def test_a_link_holds_for_ten_minutes_and_for_one_slack_account(
    served: BrowserSide, people: People, db: Database, clock: Clock
) -> None:
    late, in_time = await link_for(db, people.kim), await link_for(db, people.kim)
    clock.now = NOW + LIFETIME - timedelta(seconds=1)
    assert (await served.visitor().post(in_time)).status == 303
    clock.now = NOW + LIFETIME
    assert (await served.visitor().post(late)).status == 410
    moved, off = await link_for(db, people.lee), await link_for(db, people.sam)
    async with db.transaction() as session:
        change = sa.update(User)
        await session.execute(change.where(User.name == "Lee").values(slack_user_id="UOTHER"))
        await session.execute(change.where(User.name == "Sam").values(active=False))
    for link in (moved, off):
        assert (await served.visitor().post(link)).status == 410


async def test_no_other_site_uses_a_link(served: BrowserSide, people: People, db: Database) -> None:
    link = await link_for(db, people.kim)
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
    assert (await served.visitor().post(link, headers=foreign)).status == 403
    assert (await served.visitor().post(link)).status == 303


async def test_whoever_came_by_a_link_needs_no_old_password_for_an_hour(
    served: BrowserSide, people: People, db: Database, clock: Clock
) -> None:
    kim = served.visitor()
    await kim.post(await link_for(db, people.kim))
    new = {"new_password": PASSWORD}
    assert (await kim.post("/account/password", data=new)).status == 303
    clock.now = NOW + FRESH - timedelta(seconds=1)
    assert (await kim.post("/account/password", data=new)).status == 303
    clock.now = NOW + FRESH
    refused = await kim.post("/account/password", data=new)
    assert (refused.status, 'id="e-old_password"' in refused.text) == (422, True)


# -- one's own account ---------------------------------------------------------------------


async def test_vera_looks_after_her_devices_and_tokens(served: BrowserSide) -> None:
    vera, phone = served.visitor(), served.visitor()
    await sign_up(vera)
    await sign_in(phone)
    shown = await vera.post("/account/tokens", data={"name": "month <report>"})
    token = re.search(r"cst_[\w-]+", shown.text)
    assert token is not None
    assert "month &lt;report&gt;" in shown.text
    assert token[0] not in (await vera.get("/account")).text
    again = await vera.post("/account/tokens", data={"name": "month <report>"})
    assert (again.status, 'id="e-name"' in again.text) == (422, True)
    script = served.visitor(token[0])
    assert (await script.get("/api/session")).status == 200
    revoke = re.search(r'action="(/account/tokens/\d+/revoke)"', shown.text)
    assert revoke is not None
    assert to(await vera.post(revoke[1])) == (303, "/account")
    assert (await script.get("/api/session")).status == 401
    assert to(await vera.post("/account/devices/sign-out")) == (303, "/account")
    assert to(await phone.get("/account")) == (303, "/welcome?next=%2Faccount")
    account = (await vera.get("/account")).text
    assert "Your other devices are signed out." in account
    assert "No script has one yet." in account


# -- people --------------------------------------------------------------------------------


async def test_finance_changes_somebody_on_their_page(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        vera = await add_user(session, "Vera <b>", Role.SALES)
    ana, page = await served.signed_in(people.ana), f"/people/{vera.id}"
    assert "Vera &lt;b&gt;" in (await ana.get(page)).text
    form: dict[str, Any] = {"role": "Manager", "active": "yes", "slack_user_id": "UVERA"}
    assert to(await ana.post(page, data=form)) == (303, "/people")
    shown = (await ana.get("/people?q=vera")).text
    assert "UVERA" in shown
    assert "Manager" in shown
    taken = await ana.post(page, data=form | {"slack_user_id": "UKIM"})
    assert (taken.status, "the Slack account of Kim" in taken.text) == (409, True)
    wrong = await ana.post(page, data=form | {"slack_user_id": "@vera"})
    assert (wrong.status, 'id="e-slack_user_id"' in wrong.text) == (422, True)
    off = await ana.post(page, data={"role": "Manager", "slack_user_id": ""})
    assert to(off) == (303, "/people")
    assert "Switched off" in (await ana.get("/people?q=vera")).text


async def test_the_last_of_finance_is_kept_on_the_page_too(
    served: BrowserSide, people: People
) -> None:
    ana = await served.signed_in(people.ana)
    refused = await ana.post(
        f"/people/{people.ana.id}", data={"role": "", "active": "yes", "slack_user_id": "UANA"}
    )
    assert (refused.status, "nobody with the role Finance" in refused.text) == (422, True)
    assert (await ana.get("/people")).status == 200


async def test_finance_lets_somebody_in_again_who_is_not_in_slack(
    served: BrowserSide, people: People, db: Database
) -> None:
    """Switched off and on, Vera has no password any more; whoever is in Slack gets a link there."""
    async with db.transaction() as session:
        vera = await add_user(session, "Vera", Role.FINANCE)
    ana, page = await served.signed_in(people.ana), f"/people/{vera.id}"
    assert "Make a link" in (await ana.get(page)).text
    made = await ana.post(f"{page}/link")
    link = re.search(r"/sign-in/[\w-]+", made.text)
    assert made.status == 200
    assert link is not None
    entered = await served.visitor().post(link[0])
    assert to(entered) == (303, "/")
    assert (await served.visitor().post(link[0])).status == 410
    there = await ana.post(f"/people/{people.kim.id}/link")
    assert (there.status, "gets a link there" in there.text) == (409, True)
    assert "Make a link" not in (await ana.get(f"/people/{people.kim.id}")).text
    script = served.visitor(await made_token(ana))
    assert (await script.post(f"{page}/link")).status == 403


async def made_token(person: Visitor) -> str:
    made = await person.post("/api/tokens", json={"name": "report"})
    return str(made.json["token"])


async def test_people_that_nobody_finds_and_the_system_are_not_there(
    served: BrowserSide, people: People
) -> None:
    ana = await served.signed_in(people.ana)
    assert "Nobody is called that" in (await ana.get("/people?q=zzz%00")).text
    for path in (f"/people/{people.system.id}", "/people/999999", "/people/x"):
        assert (await ana.get(path)).status == 404


async def test_the_page_of_whoever_has_no_role_follows_when_it_is_given(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        vera = User(name="Vera")
        session.add(vera)
    visitor = await served.signed_in(vera)
    for path in ("/access", "/customers"):
        shown = (await visitor.get(path)).text
        assert 'data-live="/access/live" data-version="none"' in shown
    known = {"headers": {"If-None-Match": '"none"'}}
    assert (await visitor.get("/access/live", **known)).status == 304
    ana = await served.signed_in(people.ana)
    await ana.post(f"/people/{vera.id}/role", data={"role": "Sales"})
    assert (await visitor.get("/access/live", **known)).status == 204
    assert (await visitor.get("/customers")).status == 200
    refused = await visitor.get("/settings")
    assert (refused.status, "see settings and health" in refused.text) == (403, True)
