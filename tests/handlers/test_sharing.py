"""Private answers that are shown to everybody in the conversation by a button, once."""

import pytest

from tests.handlers.conftest import PLACE, Bills
from tests.harness.record import bill_of
from tests.harness.slack_people import Team, acts, element, labels, read


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("/bill list pending", "Bills waiting for approval"),
        ("/bill show #{acme}", "1,500"),
        ("/bill history #{acme}", "generated"),
        ("/customer list acme", "Customers like"),
        ("/usage acme", "Usage: "),
    ],
)
async def test_an_answer_is_private_until_it_is_shared_and_a_double_click_shares_it_once(
    team: Team, october: Bills, typed: str, shown: str
) -> None:
    private = await team.kim.types(typed.format(acme=october.acme))
    assert shown in read(private)
    assert team.messages(PLACE) == []
    share = element(private, "Share here")
    assert share["confirm"]["confirm"]["text"] == "Share"
    await team.kim.clicks("Share here", on=private)
    await team.kim.clicks("Share here", on=private)
    [public] = team.messages(PLACE)
    assert shown in read(public)
    assert "Share here" not in labels(public) + labels(team.again(private))
    for user in ("UNEW", "UGUS", "UFAR"):
        await team.person(user).forges(share, on=private)
    assert len(team.messages(PLACE)) == 1


async def test_a_shared_card_speaks_of_its_moment_and_has_no_buttons(
    team: Team, october: Bills
) -> None:
    private = await team.kim.types(f"/bill show #{october.acme}")
    assert acts(private)[-1] == "answer:share"
    await team.kim.clicks("Share here", on=private)
    [public] = team.messages(PLACE)
    assert acts(public) == []
    assert "As it was" in read(public)
    assert f"/bill show #{october.acme}" in read(public)
    await team.kim.clicks("bill:approve", on=private)
    assert (await bill_of(team.db, october.acme)).status == "approved"
    assert "Approved by" not in read(team.again(public))


async def test_what_is_ones_own_or_empty_is_not_shared(team: Team, october: Bills) -> None:
    for typed in ("/bill list mine", "/bill list sent", "/customer list xyz", "/bill help"):
        assert "Share here" not in labels(await team.kim.types(typed)), typed
    for value in ('{"see":"everything"}', '{"see":"card"}', '{"see":"bills","title":"x"}', "x"):
        other = {"type": "button", "action_id": "answer:share", "block_id": "x", "value": value}
        (refused,) = await team.kim.forges(other, on=await team.kim.types("/bill list all"))
        assert "no longer understood" in refused["text"]
    assert team.messages(PLACE) == []
