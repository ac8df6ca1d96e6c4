"""Bills through the JSON API: the list, one with its story, and the decisions on it."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from models.actions.comment import COMMENT_CHARS
from models.bills.bill import Bill
from models.db.database import Database
from models.period import Period
from tests.billed import write_bill
from tests.harness.billing import MAIL
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People
from tests.harness.scene import act, add_customer, bill_for


@pytest.fixture
async def bill(db: Database, people: People) -> Bill:
    """Acme's October, 5,000.00, which waits for Kim."""
    async with db.transaction() as session:
        return await bill_for(
            session, act(people.ana), csm_id=people.kim.id, require_csm_approval=True, **MAIL
        )


def at(bill: Bill, *more: str) -> str:
    return "/".join(("/api/bills", str(bill.id), *more))


async def test_a_bill_is_told_with_its_story(
    served: BrowserSide, people: People, bill: Bill
) -> None:
    max_ = await served.signed_in(people.max)
    shown = await max_.get(at(bill))
    assert (shown.status, shown.headers["ETag"]) == (200, '"1"')
    told = shown.json
    assert (told["customer"], told["period"]) == ("Acme Corp", "2026-10")
    assert told["overage_amount"] == "5000.00"
    assert Decimal(told["overage_unit_cost"]) * told["overage_units"] == 5000
    assert told["allowed"] == []
    assert [one["people"] for one in told["needed"]] == [["Kim"]]
    (generated,) = told["actions"]
    assert (generated["action"], generated["stakeholder"]) == ("generate", "Ana")


async def test_the_csm_approves_and_finance_sends(
    served: BrowserSide, people: People, bill: Bill
) -> None:
    kim, ana = await served.signed_in(people.kim), await served.signed_in(people.ana)
    said = {"version": 1, "comment": "As agreed"}
    approved = await kim.patch(at(bill, "approve"), json=said, headers={"If-Match": '"1"'})
    assert (approved.status, approved.json["status"]) == (200, "approved")
    assert approved.json["actions"][-1]["comment"] == "As agreed"
    assert approved.json["actions"][-1]["source"] == "api"
    sent = await ana.patch(at(bill, "send"), json={"version": 2})
    assert (sent.json["status"], sent.headers["ETag"]) == ("sending", '"3"')
    back = await ana.patch(at(bill, "undo"), json={"version": 3, "reason": "Too early"})
    assert back.json["status"] == "approved"


async def test_the_csm_rejects_and_finance_sees_why(
    served: BrowserSide, people: People, bill: Bill
) -> None:
    kim, ana = await served.signed_in(people.kim), await served.signed_in(people.ana)
    why = {"version": 1, "reason_code": "limit_wrong", "reason": "It was raised in September"}
    assert (await kim.patch(at(bill, "reject"), json=why)).status == 200
    story = (await ana.get(at(bill))).json
    assert story["actions"][-1]["reason_code"] == "limit_wrong"
    assert "revise" in story["allowed"]


async def test_a_void_bill_is_billed_again(served: BrowserSide, people: People, bill: Bill) -> None:
    ana = await served.signed_in(people.ana)
    why = {"version": 1, "reason": "Twice"}
    assert (await ana.patch(at(bill, "void"), json=why)).json["status"] == "void"
    again = await ana.patch(at(bill, "reissue"), json={"version": 2, "reason": "Once after all"})
    assert (again.json["replaces_id"], again.json["status"]) == (bill.id, "pending")


async def test_finance_asks_lee_by_the_api_and_on_the_page(
    served: BrowserSide, people: People, bill: Bill
) -> None:
    ana = await served.signed_in(people.ana)
    unknown = await ana.patch(at(bill, "reassign"), json={"version": 1, "user_id": 999_999})
    assert (unknown.status, unknown.json["field"]) == (422, "user_id")
    asked = await ana.patch(at(bill, "reassign"), json={"version": 1, "user_id": people.lee.id})
    assert (asked.status, asked.headers["ETag"]) == (200, '"1"')
    told = asked.json["actions"][-1]
    assert (told["action"], told["asked"]) == ("reassign", "Lee")
    form = await ana.get(f"/bills/{bill.id}/reassign")
    assert f'value="{people.kim.id}"' in form.text
    typed = {"version": "1", "user_id": str(people.kim.id), "comment": "Kim is back"}
    assert (await ana.post(f"/bills/{bill.id}/reassign", data=typed)).status == 303
    assert "Kim is back" in (await ana.get(f"/bills/{bill.id}")).text


async def test_a_comment_moves_no_version(served: BrowserSide, people: People, bill: Bill) -> None:
    sam = await served.signed_in(people.sam)
    said = await sam.post(at(bill, "comments"), json={"comment": "They called me"})
    assert (said.status, said.headers["ETag"]) == (201, '"1"')
    assert said.json["actions"][-1]["comment"] == "They called me"
    for chars, status in ((COMMENT_CHARS, 201), (COMMENT_CHARS + 1, 422)):
        long = await sam.post(at(bill, "comments"), json={"comment": "x" * chars})
        assert long.status == status, "as long as in Slack and on the page"


async def test_sam_changes_his_comment_and_takes_it_back_and_nobody_else_can(
    served: BrowserSide, people: People, bill: Bill
) -> None:
    sam, kim = await served.signed_in(people.sam), await served.signed_in(people.kim)
    said = await sam.post(at(bill, "comments"), json={"comment": "They called me"})
    own = at(bill, "comments", str(said.json["actions"][-1]["id"]))
    other = {"json": {"comment": "They did not"}}
    refused = await kim.patch(own, **other)
    who = {"people": [{"id": people.sam.id, "name": "Sam", "role": "Sales"}], "others": 0}
    assert (refused.status, refused.json["who_can"]) == (403, who)
    assert refused.json["detail"] == "Only its author may change a comment. Ask Sam."
    assert (await kim.delete(own)).status == 403
    changed = await sam.patch(own, json={"comment": "I called them"})
    assert (changed.status, changed.headers["ETag"]) == (200, '"1"')
    assert changed.json["actions"][-1]["comment"] == "I called them"
    assert (await sam.patch(own, json={"comment": " "})).json["field"] == "comment"
    assert [(await sam.delete(own)).status for _ in "12"] == [204, 404]
    assert (await sam.patch(own, **other)).status == 404
    told = [one["action"] for one in (await kim.get(at(bill))).json["actions"]]
    assert told == ["generate", "comment", "comment_edit", "comment_delete"]


async def test_a_late_decision_hears_what_happened_since(
    served: BrowserSide, people: People, bill: Bill
) -> None:
    kim, ana = await served.signed_in(people.kim), await served.signed_in(people.ana)
    assert (await kim.patch(at(bill, "approve"), json={"version": 1})).status == 200
    late = await ana.patch(at(bill, "void"), json={"version": 1, "reason": "No"})
    assert late.status == 409
    assert "Kim (CSM) approved this bill" in late.json["detail"]
    assert (late.json["version"], [one["action"] for one in late.json["since"]]) == (2, ["approve"])


@pytest.mark.parametrize("version", [0, -1, 2, 2**40])
async def test_any_whole_number_but_the_current_version_is_too_late(
    served: BrowserSide, people: People, bill: Bill, version: int
) -> None:
    kim = await served.signed_in(people.kim)
    late = await kim.patch(f"/api/bills/{bill.id}/approve", json={"version": version})
    assert (late.status, late.json["version"]) == (409, 1)


async def test_whoever_names_an_older_version_in_the_header_hears_the_same(
    served: BrowserSide, people: People, bill: Bill
) -> None:
    kim, ana = await served.signed_in(people.kim), await served.signed_in(people.ana)
    assert (await kim.patch(at(bill, "approve"), json={"version": 1})).status == 200
    for version, if_match, since in (
        (2, '"1"', ["approve"]),
        (1, '"2"', ["approve"]),
        (2, '"3", "4"', []),
        (2, 'W/"2"', []),
    ):
        said = {"version": version, "reason": "No"}
        late = await ana.patch(at(bill, "void"), json=said, headers={"If-Match": if_match})
        assert (late.status, late.json["version"]) == (409, 2)
        assert [one["action"] for one in late.json["since"]] == since
    nowhere = {"json": {"version": 1, "reason": "No"}, "headers": {"If-Match": '"7"'}}
    assert (await ana.patch("/api/bills/404/void", **nowhere)).status == 404


async def test_figures_nobody_saw_are_not_approved_but_worked_out(
    served: BrowserSide, people: People, bill: Bill, db: Database
) -> None:
    async with db.long_transaction() as session:
        await session.execute(
            sa.text("update usages set api_usage = api_usage + 10000 where customer_id = :id"),
            {"id": bill.customer_id},
        )
    kim = await served.signed_in(people.kim)
    late = await kim.patch(at(bill, "approve"), json={"version": 1})
    assert late.status == 409
    assert [one["action"] for one in late.json["since"]] == ["invalidate"]
    assert (await kim.patch(at(bill, "approve"), json={"version": 2})).status == 200


UNREADABLE = {
    "malformed": {"data": "{", "headers": {"Content-Type": "application/json"}},
    "not UTF-8": {"data": b"\xff", "headers": {"Content-Type": "application/json"}},
    "deep": {"data": "[" * 99_999, "headers": {"Content-Type": "application/json"}},
    "another kind": {"data": "version=1", "headers": {"Content-Type": "text/plain"}},
    "another charset": {
        "data": '{"version": 1}'.encode("utf-16"),
        "headers": {"Content-Type": "application/json; charset=utf-16"},
    },
    "no version": {"json": {}},
    "a version in words": {"json": {"version": "1"}},
    "more than is known": {"json": {"version": 1, "status": "approved"}},
}


async def test_errors_come_in_one_order(
    served: BrowserSide, people: People, bill: Bill, subtests: pytest.Subtests
) -> None:
    for fault, asked in UNREADABLE.items():
        with subtests.test(fault):
            stranger, max_, kim = (
                served.visitor(),
                await served.signed_in(people.max),
                await served.signed_in(people.kim),
            )
            nowhere = [f"/api/bills/{one}/approve" for one in (999, 2**63, "x", "-1", "1.0", "٣")]
            for path in (at(bill, "approve"), *nowhere):
                assert (await stranger.patch(path, **asked)).status == 401
                assert (await max_.patch(path, **asked)).status == 403
            for path in nowhere:
                assert (await kim.patch(path, **asked)).status == 404
            refused = await kim.patch(at(bill, "approve"), **asked)
            assert refused.status == (415 if fault.startswith("another") else 422)
            assert refused.headers["Content-Type"] == "application/problem+json"
            for version, if_match in ((7, "*"), (1, '"7"'), (1, "1"), (1, 'W/"1"')):
                seen = {"json": {"version": version}, "headers": {"If-Match": if_match}}
                assert (await kim.patch(at(bill, "approve"), **seen)).status == 409


async def test_the_list_is_read_page_by_page(
    served: BrowserSide, people: People, db: Database
) -> None:
    async with db.transaction() as session:
        acme = await add_customer(session)
        for month in range(1, 8):
            status = "pending" if month > 5 else "sent"
            number = None if month > 5 else f"2026-{month:06}"
            await write_bill(session, acme.id, Period(2026, month), number, status)
    max_ = await served.signed_in(people.max)
    months: list[int] = []
    path: str | None = "/api/bills?year=2026&limit=3"
    while path:
        page = await max_.get(path)
        months += [one["month"] for one in page.json["bills"]]
        path = page.headers["Link"].split(";")[0].strip("<>") if "Link" in page.headers else None
    assert months == [6, 7, 1, 2, 3, 4, 5]
    found = await max_.get("/api/bills", params={"status": "sent", "month": "4"})
    assert [one["number"] for one in found.json["bills"]] == ["2026-000004"]
    wrong = await max_.get("/api/bills", params={"status": "nearly", "cursor": "x"})
    assert (wrong.status, wrong.json["field"]) == (422, "status")
    with_year = await max_.get("/api/bills", params={"month": "2026-04"})
    assert with_year.json["bills"] == found.json["bills"]
    for month in ("13", "0", "2026-13", "10/2026", "October", "2026-10-01", ""):
        wrong = await max_.get("/api/bills", params={"month": month})
        assert (wrong.status, wrong.json["field"]) == (422, "month"), month
        assert "A month is 1 to 12, or with its year as in 2026-10." in wrong.json["detail"]
    apart = await max_.get("/api/bills", params={"month": "2026-10", "year": "2025"})
    assert (apart.status, apart.json["field"]) == (422, "year")
    nobody = await max_.get("/api/bills", params={"csm_id": str(people.lee.id)})
    assert nobody.json == {"bills": [], "next_cursor": None}
