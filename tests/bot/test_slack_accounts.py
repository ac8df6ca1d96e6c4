"""Finance links somebody with a Slack account, and Slack is asked whose it is."""

from functools import partial

from bot.slack.client import SlackClient
from bot.slack.responder import SlackResponder
from handlers.http.services import SlackMember
from handlers.slack.users import known_member
from models.db.database import Database
from models.people.users import User
from sandbox.fake_slack.sandbox import Sandbox
from tests.harness.browser_side import browser_side
from tests.harness.cast import FAR, FOREIGN_TEAM, GUS, People, accounts
from tests.harness.running import slack_client, workspace

STRANGERS = [
    {"id": GUS, "name": "gus", "is_restricted": True},
    {"id": FAR, "name": "far", "team_id": FOREIGN_TEAM},
    {"id": "UGONE", "name": "gone", "deleted": True},
    {"id": "USLACKBOT", "name": "slackbot"},
]
NO_MEMBERS = {
    GUS: "Guests of this workspace cannot use Countersign.",
    FAR: "Countersign serves the people of its own workspace only.",
    "UGONE": "This Slack account is deactivated",
    "USLACKBOT": "Bots cannot use Countersign",
    "UNOBODY": "Slack knows nobody with the id UNOBODY.",
}


def member_of(sandbox: Sandbox, slack: SlackClient) -> SlackMember:
    return partial(known_member, SlackResponder(slack).user_info, sandbox.workspace.team_id)


async def test_only_a_member_of_the_workspace_is_linked(db: Database, people: People) -> None:
    async with (
        workspace({"users": accounts(*STRANGERS), "channels": []}) as sandbox,
        slack_client(sandbox) as slack,
        browser_side(db, slack_member=member_of(sandbox, slack)) as served,
    ):
        ana = await served.signed_in(people.ana)
        kim, form = f"/people/{people.kim.id}", {"role": "Customer Success", "active": "yes"}
        bot = {sandbox.workspace.bot.id: "Bots cannot use Countersign"}
        for slack_id, told in (NO_MEMBERS | bot).items():
            link = {"slack_user_id": slack_id}
            refused = await ana.patch(f"/api/users/{people.kim.id}", json=link)
            assert (refused.status, refused.json["field"]) == (422, "slack_user_id")
            assert told in refused.json["detail"]
            page = await ana.post(kim, data=form | link)
            assert (page.status, told in page.text) == (422, True)
        nobody = await ana.patch("/api/users/404", json={"slack_user_id": GUS})
        assert nobody.status == 404
        async with db.transaction() as session:
            assert (await session.get_one(User, people.kim.id)).slack_user_id == "UKIM"
        linked = await ana.patch(f"/api/users/{people.kim.id}", json={"slack_user_id": "UNEW"})
        assert (linked.status, linked.json["slack_user_id"]) == (200, "UNEW")


async def test_where_slack_does_not_answer_nobody_is_linked(db: Database, people: People) -> None:
    async with SlackClient.open("xoxb-none", "http://127.0.0.1:9/api/") as slack:
        ask = partial(known_member, SlackResponder(slack).user_info, "T1")
        async with browser_side(db, slack_member=ask) as served:
            ana = await served.signed_in(people.ana)
            himself = f"/api/users/{people.sam.id}"
            refused = await ana.patch(himself, json={"slack_user_id": "UNEW"})
            assert (refused.status, "nothing was changed" in refused.json["detail"]) == (503, True)
            same = await ana.patch(himself, json={"slack_user_id": "USAM", "role": "Manager"})
            assert (same.status, same.json["role"]) == (200, "Manager"), "nothing is linked anew"
