"""What Slack can do, the pages can: comments changed, one bill made, any months, lists as files."""

import re

from models.actions.approve import approve_bill
from models.actions.comment import add_comment
from models.db.database import Database
from models.queries.recent_decisions import recent_decisions
from tests.harness.billing import MAIL, go_out
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People
from tests.harness.scene import act, add_customer, bill_for, generate
from tests.harness.slack_people import NOW


async def test_kim_changes_her_comment_and_takes_it_back(
    served: BrowserSide, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        bill = await bill_for(session, act(people.ana), "Acme Corp", csm_id=people.kim.id)
        other = await bill_for(session, act(people.ana), "Bolt Ltd", csm_id=people.kim.id)
        said = await add_comment(session, bill.id, act(people.kim), "Looks hgih")
    kim, sam = await served.signed_in(people.kim), await served.signed_in(people.sam)
    address = f"/bills/{bill.id}/comments/{said.id}"
    assert f'href="{address}"' in (await kim.get(f"/bills/{bill.id}")).text
    assert f'href="{address}"' not in (await sam.get(f"/bills/{bill.id}")).text
    assert "Looks hgih</textarea>" in (await kim.get(address)).text
    assert (await sam.post(address, data={"comment": "Mine"})).status == 403
    assert (await kim.get(f"/bills/{other.id}/comments/{said.id}")).status == 404
    assert (await kim.post(address, data={"comment": " "})).status == 422
    assert (await kim.post(address, data={"comment": "Looks high"})).status == 303
    shown = (await kim.get(f"/bills/{bill.id}")).text
    assert "<blockquote>Looks high</blockquote>" in shown and "edited" in shown
    for _ in range(2):
        assert (await kim.post(f"{address}/delete")).status in (303, 404)
    assert "Nobody has said anything yet" in (await kim.get(f"/bills/{bill.id}")).text
    assert (await kim.get(address)).status == 404


async def test_finance_makes_the_bill_of_one_customer_from_its_page(
    served: BrowserSide, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        acme = await add_customer(session, "Acme Corp")
        await add_customer(session, "Bolt Ltd")
    ana = await served.signed_in(people.ana)
    shown = (await ana.get(f"/customers/{acme.id}")).text
    [address] = re.findall(r'href="(/month/2026-10/generate\?customer=\d+)"', shown)
    preview = (await ana.get(address)).text
    assert "Acme Corp" in preview and "Bolt Ltd" not in preview
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', preview))
    assert form["customer"] == str(acme.id)
    done = await ana.post("/month/2026-10/generate", data=form)
    assert done.headers["Location"] == f"/customers/{acme.id}#bills"
    assert (await ana.get("/month/2026-10/generate?customer=999999")).status == 404
    async with db.transaction() as session:
        await generate(session, act(people.ana))
    assert "/generate" not in (await ana.get(f"/customers/{acme.id}")).text


async def test_usage_of_any_months_is_shown_and_taken_along(
    served: BrowserSide, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        acme = await add_customer(session, "Acme Corp")
    max_, page = await served.signed_in(people.max), f"/customers/{acme.id}"
    shown = (await max_.get(f"{page}?from=2025-11&to=2026-10")).text
    assert "/month/2025-11" in shown and "/month/2025-10" not in shown
    [file] = re.findall(r'href="(/api/usage.csv[^"]+)"', shown)
    assert (await max_.get(file.replace("&amp;", "&"))).text.count("Acme Corp") == 1
    for wrong in ("from=2026-10&to=2025-10", "from=1999-13", "from=2001-01&to=2026-10"):
        refused = await max_.get(f"{page}?{wrong}")
        assert (refused.status, 'class="error"' in refused.text) == (422, True), wrong


async def test_lists_are_files_with_the_filter_in_force(
    served: BrowserSide, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        kims = {"csm_id": people.kim.id, "require_csm_approval": True}
        await bill_for(session, act(people.ana), "Acme Corp", **kims)
        await bill_for(session, act(people.ana), "Bolt Ltd", csm_id=people.lee.id)
    ana, kim = await served.signed_in(people.ana), await served.signed_in(people.kim)
    for listed, link in (
        (f"/dashboard?view=pending&csm={people.kim.id}&month={NOW:%Y}-10", "/api/bills.csv"),
        ("/customers?name=cme", "/customers.csv"),
        (f"/customers?csm={people.kim.id}&over=yes", "/customers.csv"),
    ):
        shown = (await ana.get(listed)).text
        [file] = re.findall(rf'href="({link}[^"]*)"', shown)
        told = await ana.get(file.replace("&amp;", "&"))
        assert told.headers["Content-Type"].startswith("text/csv")
        assert "Acme Corp" in told.text and "Bolt Ltd" not in told.text, listed
    assert "Bolt Ltd" in (await ana.get("/customers.csv")).text
    assert "/api/bills.csv" not in (await kim.get("/dashboard?view=mine")).text


async def test_kim_finds_what_she_decided_and_can_undo_it_there(
    served: BrowserSide, db: Database, people: People
) -> None:
    async with db.transaction() as session:
        kims = {"csm_id": people.kim.id, "require_csm_approval": True}
        acme = await bill_for(session, act(people.ana), "Acme Corp", **kims)
        bolt = await bill_for(session, act(people.ana), "Bolt Ltd", **kims)
        await approve_bill(session, acme.id, 1, act(people.kim))
        gone = await bill_for(session, act(people.ana), "Gone Ltd", **kims, **MAIL)
        await approve_bill(session, gone.id, 1, act(people.kim))
        await go_out(session, people, gone)
        [own] = await recent_decisions(session, people.kim, most=1)
        assert own.bill.id == acme.id, "nothing can be decided any more on what has gone out"
    kim, lee = await served.signed_in(people.kim), await served.signed_in(people.lee)
    shown = (await kim.get("/dashboard?view=mine")).text
    _, _, decided = shown.partition("Your recent decisions")
    assert "approved $5,000.00" in decided and "Bolt Ltd" not in decided
    [undo] = re.findall(r'href="(/bills/\d+/undo\?version=\d+)"', decided)
    assert (await kim.get(undo)).status == 200
    given = {"version": undo.rpartition("=")[2], "reason": "Too soon"}
    undone = await kim.post(f"/bills/{acme.id}/undo", data=given)
    assert undone.status == 303
    after = (await kim.get("/dashboard?view=mine")).text.partition("Your recent decisions")[2]
    assert "took back in Slack" not in after and "took back on the web" in after
    assert f"/bills/{bolt.id}" not in after
    assert "Your recent decisions" in (await kim.get("/dashboard")).text
    assert "Your recent decisions" not in (await lee.get("/dashboard?view=mine")).text
