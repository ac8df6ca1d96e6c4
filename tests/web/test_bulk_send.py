"""Finance ticks approved bills, sees what sending them would be, and sends them."""

import re
from dataclasses import replace
from datetime import timedelta

from models.actions.approve import approve_bill
from models.actions.send import mark_send_failed
from models.actions.void import void_bill
from models.bills.bill import Bill, get_bill
from models.bills.states import State
from models.db.database import Database
from models.people.users import User
from tests.harness.billing import drawn
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People
from tests.harness.issuing import issue_bill
from tests.harness.scene import act, bill_for
from tests.web.test_month import hidden_version


async def _approved(db: Database, people: People, *names: str) -> list[Bill]:
    async with db.transaction() as session:
        made = []
        for name in names:
            email = None if name == "Nowhere Inc" else "billing@acme.example"
            kims = {"csm_id": people.kim.id, "require_csm_approval": True}
            bill = await bill_for(session, act(people.ana), name, billing_email=email, **kims)
            await approve_bill(session, bill.id, bill.version, act(people.kim))
            made.append(bill)
        return made


async def test_finance_sends_the_bills_that_were_ticked_and_sees_what_became_of_each(
    served: BrowserSide, db: Database, people: People
) -> None:
    acme, bolt, cedar, _ = await _approved(
        db, people, "Acme Corp", "Bolt Ltd", "Cedar", "Nowhere Inc"
    )
    ana, kim = await served.signed_in(people.ana), await served.signed_in(people.kim)
    listed = (await ana.get("/dashboard?view=approved")).text
    assert "Send selected" in listed
    assert "selected</button>" not in (await kim.get("/dashboard?view=approved")).text
    ticks = re.findall(r'name="bill" value="([^"]+)" aria-label="(?:Acme|Bolt|Nowhere)', listed)
    preview = (await ana.post("/dashboard/send", data=[("bill", one) for one in ticks])).text
    assert "2 bills would go out: $10,000.00. Nothing has been sent yet." in preview
    assert "no billing e-mail address" in preview
    assert "What goes out</h2>" in preview
    [address] = re.findall(r'action="(/dashboard/send/\d+)"', preview)
    assert (await ana.get(address)).headers["Location"] == "/dashboard?view=approved"

    async with db.transaction() as session:
        now = await get_bill(session, bolt.id)
        await void_bill(session, bolt.id, now.version, act(people.ana), "Doubled")
    for _ in range(2):
        assert (await ana.post(address)).headers["Location"] == address
    sent = (await ana.get(address)).text
    named = f"#{acme.id}, Acme Corp, October 2026, $5,000.00"
    assert f"{named}, goes out <time" in sent
    assert f'<a href="/bills/{acme.id}">{named}</a>' in sent
    assert f'href="/bills/{acme.id}/undo?version=3"' in sent
    undo = {"version": "3", "reason": "Too early."}
    assert (await ana.post(f"/bills/{acme.id}/undo", data=undo)).status == 303
    back = (await ana.get(address)).text
    assert f"{named}, was called back and stays approved." in back
    assert "goes out" not in back and "/undo" not in back
    assert f"#{bolt.id}" in sent and "What stays" in sent
    async with db.transaction() as session:
        states = [(await get_bill(session, one.id)).status for one in (acme, bolt, cedar)]
    assert states == [State.APPROVED, State.VOID, State.APPROVED]


async def test_a_preview_of_many_says_of_how_many_the_biggest_are(
    served: BrowserSide, db: Database, people: People
) -> None:
    await _approved(db, people, "Acme", "Bolt", "Cedar", "Dune", "Elm", "Fjord")
    preview = await (await served.signed_in(people.ana)).post("/month/2026-10/send")
    assert "The biggest 5 of 6 bills</h2>" in preview.text


async def test_nothing_ticked_and_what_is_no_list_of_ours_send_nothing(
    served: BrowserSide, db: Database, people: People
) -> None:
    ana = await served.signed_in(people.ana)
    for answer in (await ana.post("/dashboard/send"), await ana.get("/dashboard/send")):
        assert (answer.status, answer.headers["Location"]) == (303, "/dashboard?view=approved")
    assert (await ana.post("/dashboard/send", data={"bill": "1 or 1=1"})).status == 422


async def test_finance_without_slack_reads_what_failed_and_sends_it_again_once(
    served: BrowserSide, db: Database, people: People
) -> None:
    acme, bolt = await _approved(db, people, "Acme Corp", "Bolt Ltd")
    async with db.transaction() as session:
        eva = User(name="Eva", role="Finance")
        session.add(eva)
    web = await served.signed_in(eva)
    ticks = [("bill", f"{one.id}-{one.version}") for one in (acme, bolt)]
    preview = (await web.post("/dashboard/send", data=ticks)).text
    [address] = re.findall(r'action="(/dashboard/send/\d+)"', preview)
    await web.post(address)
    going = (await web.get(address)).text
    assert 'value="0" aria-label="Bills that are out"' in going
    assert "Retry failed" not in going
    version = {"If-None-Match": f'"{hidden_version(going)}"'}
    assert (await web.get(f"{address}/live", headers=version)).status == 304

    async with db.transaction() as session:
        system = act(people.system)
        due = replace(system, now=system.now + timedelta(minutes=6))
        for one in (acme, bolt):
            await issue_bill(session, one.id, due, drawn)
            await mark_send_failed(session, one.id, due, "No such mailbox.")
    assert (await web.get(f"{address}/live", headers=version)).status == 204
    failed = (await web.get(address)).text
    assert "2 bills could not be delivered: $10,000.00." in failed
    assert "<strong>2 bills: </strong>No such mailbox." in failed
    assert f'action="{address}/retry"' in failed
    lists = {(await web.post(f"{address}/retry")).headers["Location"] for _ in range(2)}
    [again] = lists
    assert again != address
    assert "2 bills are on their way: $10,000.00." in (await web.get(again)).text
    done = (await web.get(address)).text
    assert f'<a href="{again}">Those that failed were sent again.</a>' in done
    assert "/retry" not in done
