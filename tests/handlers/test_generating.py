"""`/bill generate`: nothing happens before somebody has seen what would."""

import sqlalchemy as sa

from tests.handlers.office import Office, acts, carried, said
from tests.sandbox.slack_bot import until


async def test_a_month_is_previewed_privately_before_anything_is_made(office: Office) -> None:
    preview = await office.type("UANA", "/bill generate 2026-10")
    assert "2 bills for approval" in preview["text"]
    assert acts(preview) == ["run:generate", "run:cancel"]
    assert await _bills(office) == 0


async def test_generate_makes_the_bills_and_tells_who_asked_in_their_dm(office: Office) -> None:
    preview = await office.type("UANA", "/bill generate")
    await office.click("UANA", preview, "run:generate")
    assert "Generating the bills of October 2026" in office.again(preview)["text"]
    assert acts(office.again(preview)) == []
    dm = office.sandbox.dm("UANA")
    await until(lambda: any("2 bills made" in one["text"] for one in office.sandbox.messages(dm)))
    assert await _bills(office) == 2


async def test_a_second_click_and_a_second_person_add_nothing(office: Office) -> None:
    preview = await office.type("UANA", "/bill generate")
    for _ in range(2):
        await office.forge("UANA", preview, _generate(preview))
    dm = office.sandbox.dm("UANA")
    await until(lambda: any("up to date" in one["text"] for one in office.sandbox.messages(dm)))
    assert await _bills(office) == 2


def _generate(preview: dict[str, object]) -> dict[str, object]:
    return {"type": "button", "action_id": "run:generate", "value": '{"period":"2026-10"}'}


async def test_cancel_leaves_nothing_behind(office: Office) -> None:
    preview = await office.type("UANA", "/bill generate 2026-10 acme")
    assert carried(preview, "run:cancel") == {"period": "2026-10", "customer": "Acme Corp"}
    await office.click("UANA", preview, "run:cancel")
    assert "Cancelled" in office.again(preview)["text"]
    assert await _bills(office) == 0


async def test_a_month_that_is_not_over_is_refused_with_the_day_it_can_run(office: Office) -> None:
    refused = await office.type("UANA", "/bill generate 2026-11")
    assert "2026-12-01" in refused["text"]


async def test_what_looks_like_a_month_but_is_none_is_named(office: Office) -> None:
    for typed in ("2026-13", "2026/10", "2026-1x"):
        refused = await office.type("UANA", f"/bill generate {typed}")
        assert "is not a month" in refused["text"], typed


async def test_only_finance_generates_at_the_command_and_at_the_button(office: Office) -> None:
    refused = await office.type("UKIM", "/bill generate 2026-10")
    assert "only Finance may generate bills" in refused["text"]
    preview = await office.type("UANA", "/bill generate 2026-10")
    (answer,) = await office.forge("UKIM", preview, _generate(preview))
    assert "only Finance may generate bills" in said(answer)
    assert await _bills(office) == 0


async def test_an_unknown_customer_is_answered_with_those_it_could_be(office: Office) -> None:
    asked = await office.type("UANA", "/bill generate 2026-10 acm corp")
    assert "No customer is called “acm corp”" in asked["text"]
    await office.click("UANA", asked, "choose")
    assert "Acme Corp" in said(office.again(asked))
    assert carried(office.again(asked), "run:generate")["customer"] == "Acme Corp"


async def _bills(office: Office) -> int:
    async with office.db.transaction() as session:
        return int(await session.scalar(sa.text("select count(*) from bills")) or 0)
