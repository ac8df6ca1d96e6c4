"""Replies under a card become comments, once each, by those who may comment."""

from collections.abc import Mapping

import pytest
import sqlalchemy as sa

from handlers.slack.decision_words import decision_in
from handlers.slack.parsing import typed_text
from handlers.slack.thread import read
from models.bills.states import Verb
from tests.handlers.conftest import Bills, card_in_channel
from tests.harness.cast import People
from tests.harness.record import actions_of, bill_of, verbs_of
from tests.harness.running import Listeners
from tests.harness.slack_people import Json, Team, acts, carried
from tests.harness.waiting import until


async def test_a_reply_becomes_a_comment_as_it_was_written(team: Team, october: Bills) -> None:
    card = await team.kim.card(october.acme)
    said = "1 < 2 & 3, see https://example.com/a?b=1&c=2 and <@ULEE>"
    assert (await team.kim.replies(said, to=card))["acked"]
    comment = (await actions_of(team.db, october.acme))[-1]
    assert comment.action == "comment"
    assert comment.comment == "1 < 2 & 3, see https://example.com/a?b=1&c=2 and @Lee"
    await until(lambda: "1 comment, by Kim" in str(team.again(card)["blocks"]))


async def test_an_edit_and_a_deletion_are_recorded_as_such(team: Team, october: Bills) -> None:
    dm = team.kim.dm
    card = await team.kim.card(october.acme)
    reply = await team.kim.replies("Too much", to=card)
    await team.kim.edits(reply["ts"], "Too little", dm)
    await team.kim.deletes(reply["ts"], dm)
    assert await verbs_of(team.db, october.acme) == [
        "generate",
        "comment",
        "comment_edit",
        "comment_delete",
    ]
    assert (await actions_of(team.db, october.acme))[2].comment == "Too little"


async def test_a_doubled_message_is_one_comment(team: Team, october: Bills) -> None:
    card = await team.kim.card(october.acme)
    await team.sandbox.fault(envelopes="duplicate", times=1)
    await team.kim.replies("Once", to=card)
    await until(lambda: "1 comment, by Kim" in str(team.again(card)["blocks"]))
    assert await verbs_of(team.db, october.acme) == ["generate", "comment"]


async def test_an_edit_that_comes_first_is_the_comment(team: Team, october: Bills) -> None:
    dm = team.kim.dm
    card = await team.kim.card(october.acme)
    sandbox = team.sandbox
    await sandbox.fault(envelopes="reorder", times=1)
    reply = sandbox.workspace.post(
        sandbox.workspace.conversations[dm],
        {"user": "UKIM", "text": "before", "thread_ts": card["ts"]},
    )
    await sandbox.edit("UKIM", dm, reply["ts"], "after")
    assert [action.comment for action in await actions_of(team.db, october.acme)][1:] == ["after"]


async def test_who_may_not_comment_is_told_privately_and_nothing_is_kept(
    team: Team, october: Bills
) -> None:
    thread = await card_in_channel(team, october.acme)
    for user, sentence in (
        ("UMAX", "Your role is Manager"),
        ("UNEW", "You have no role in Countersign yet"),
        ("UGUS", "Guests of this workspace"),
        ("UFAR", "its own workspace only"),
    ):
        await team.person(user).replies(f"<@{team.sandbox.bot_user_id}> no", to=thread)
        (told,) = team.person(user).whispers()
        assert "was not recorded" in told["text"], user
        assert sentence in told["text"], user
        assert told["thread_ts"] == thread["ts"]
        assert acts(told) == (["access:request"] if user == "UNEW" else [])
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_whoever_is_not_in_the_conversation_is_told_in_their_dm(
    team: Team, october: Bills
) -> None:
    thread = await card_in_channel(team, october.acme)
    fault: Json = {"method": "chat.postEphemeral", "kind": "error", "times": 1}
    await team.sandbox.fault(**fault, error="user_not_in_channel")
    await team.max.replies("Looks wrong", to=thread)
    (told,) = team.max.whispers(team.max.dm)
    assert "was not recorded" in told["text"]
    assert team.max.whispers() == []


async def test_other_threads_and_messages_are_none_of_our_business(
    team: Team, october: Bills
) -> None:
    first = await team.sandbox.message("UNEW", "CBILLS", "Lunch?")
    await team.sandbox.message("UGUS", "CBILLS", "approve", first["ts"])
    assert team.new.whispers() == team.gus.whispers() == []
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_a_reply_that_reads_like_a_decision_decides_by_its_button(
    team: Team, october: Bills
) -> None:
    dm = team.kim.dm
    card = await team.kim.card(october.acme)
    await team.kim.replies("ok, approved", to=card)
    assert await verbs_of(team.db, october.acme) == ["generate", "comment"]
    (offer,) = team.kim.whispers(dm)
    assert carried(offer, "bill:approve") == {"bill": october.acme, "version": 1}
    await team.kim.clicks("bill:approve", on=offer)
    assert (await bill_of(team.db, october.acme)).status == "approved"


async def test_nobody_is_offered_a_decision_that_is_not_theirs(team: Team, october: Bills) -> None:
    thread = await card_in_channel(team, october.acme)
    for user in ("UANA", "UKIM"):
        await team.person(user).replies("reject: wrong limit", to=thread)
    assert team.ana.whispers() == []
    assert acts(team.kim.whispers()[0]) == ["bill:reject"]


async def test_whoever_may_not_decide_on_this_bill_is_told_whom_it_waits_for(
    team: Team, october: Bills
) -> None:
    thread = await card_in_channel(team, october.acme)
    await team.lee.replies("lgtm", to=thread)
    (told,) = team.lee.whispers()
    assert "kept as a comment, and decides nothing: bill #1" in told["text"]
    assert "waits for Kim (CSM)" in told["text"]
    assert acts(told) == []


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("approve", Verb.APPROVE),
        ("Approved!", Verb.APPROVE),
        ("ok approved", Verb.APPROVE),
        ("lgtm, approve", Verb.APPROVE),
        ("I approve of this", Verb.APPROVE),
        ("reject: wrong limit", Verb.REJECT),
        ("Rejected", Verb.REJECT),
        ("approve?", None),
        ("who approved this?", None),
        ("please do not approve", None),
        ("approval is Kim's", None),
        ("The rejects are elsewhere", None),
        ("", None),
        ("lgtm", Verb.APPROVE),
        ("LGTM!", Verb.APPROVE),
        ("+1", Verb.APPROVE),
        (":+1:", Verb.APPROVE),
        (":+1::skin-tone-3:", Verb.APPROVE),
        (":thumbsup: thanks", Verb.APPROVE),
        ("👍🏽", Verb.APPROVE),
        ("👌", Verb.APPROVE),
        (":white_check_mark:", Verb.APPROVE),
        ("yes", Verb.APPROVE),
        ("Yes, please.", Verb.APPROVE),
        ("ok", Verb.APPROVE),
        ("OK for me", Verb.APPROVE),
        ("ship it", Verb.APPROVE),
        ("Looks good to me, thanks!", Verb.APPROVE),
        ("go ahead", Verb.APPROVE),
        ("fine by me", Verb.APPROVE),
        ("Approved by me", Verb.APPROVE),
        ("ja, passt", Verb.APPROVE),
        ("in Ordnung", Verb.APPROVE),
        ("lgtm, the usage is that of the export", Verb.APPROVE),
        ("no", Verb.REJECT),
        ("Nope.", Verb.REJECT),
        ("-1", Verb.REJECT),
        (":-1:", Verb.REJECT),
        ("👎 the limit is wrong", Verb.REJECT),
        ("no, wrong limit", Verb.REJECT),
        ("No - the price is too high", Verb.REJECT),
        ("nein, falsches Limit", Verb.REJECT),
        ("no, a credit was promised", Verb.REJECT),
        ("abgelehnt", Verb.REJECT),
        ("no, rejected", Verb.REJECT),
        ("LGTM 🚀", Verb.APPROVE),
        ("lgtm :rocket: :tada:", Verb.APPROVE),
        ("sgtm", Verb.APPROVE),
        ("SGTM, thanks", Verb.APPROVE),
        ("d’accord", Verb.APPROVE),
        ("D'accord !", Verb.APPROVE),
        ("no objections", Verb.APPROVE),
        ("I have no objections.", Verb.APPROVE),
        ("thumbs up", Verb.APPROVE),
        ("approving", Verb.APPROVE),
        ("I'm approving this", Verb.APPROVE),
        ("not approved", Verb.REJECT),
        ("Not approved: wrong limit", Verb.REJECT),
        ("I cannot approve this", Verb.REJECT),
        ("I can’t approve this, the limit is wrong", Verb.REJECT),
        ("I will not approve it because a credit was promised", Verb.REJECT),
        ("we don't approve", Verb.REJECT),
        ("nicht genehmigt", Verb.REJECT),
        ("rejecting", Verb.REJECT),
        ("Rejecting this: wrong limit", Verb.REJECT),
        ("declined", Verb.REJECT),
        ("pas d’accord", Verb.REJECT),
        ("looks wrong", Verb.REJECT),
        ("This is clearly wrong.", Verb.REJECT),
        ("that is not right", Verb.REJECT),
        ("too high", Verb.REJECT),
        ("no objections?", None),
        ("no objections once the credit is in", None),
        ("not approved yet", None),
        ("not approved by the customer", None),
        ("not yet approved", None),
        ("I cannot approve this until the credit is in", None),
        ("I can't approve it today", None),
        ("I cannot see the bill", None),
        ("do not approve", None),
        ("rejecting bills is Kim's task", None),
        ("approving it once the credit is in", None),
        ("is this wrong?", None),
        ("is this wrong", None),
        ("looks wrong?", None),
        ("nothing is wrong", None),
        ("it is not wrong", None),
        ("the wrong customer called me", None),
        ("lgtm, the price is not right", None),
        ("lgtm, the limit is wrong", None),
        ("🚀", None),
        ("ok, but the limit is wrong", None),
        ("approve once the credit is in", None),
        ("lgtm if Sam agrees", None),
        ("yes, I will look at it tomorrow", None),
        ("ok let me check with them", None),
        ("No usage was recorded in August", None),
        ("no idea", None),
        ("no problem", None),
        ("no, nothing is wrong here", None),
        ("No credit was promised", None),
        ("Approved by the customer in September", None),
        ("Rejected last month too", None),
        ("good question", None),
        ("+1 month of usage is missing", None),
        ("it is the bill", None),
        ("is this ok?", None),
        ("thanks", None),
        ("yesterday", None),
        ("noted", None),
        ("1", None),
    ],
)
def test_what_reads_like_a_decision(text: str, decision: Verb | None) -> None:
    assert decision_in(text) is decision


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("a &lt; b &amp;amp; c", "a < b &amp; c"),
        ("<@U1|kim> in <#C1|bills>", "@kim in #bills"),
        ("<@U1> and <@U9>", "@Kim Lee and @U9"),
        ("<!here> <!subteam^S1|@team>", "@here @@team"),
        ("<http://socket.io|socket.io>", "http://socket.io"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<https://a.example|terms>", "terms (https://a.example)"),
        ("&lt;@U1&gt;", "<@U1>"),
    ],
)
def test_text_is_kept_as_it_was_typed(typed: str, meant: str) -> None:
    assert typed_text(typed, {"U1": "Kim Lee"}) == meant


PERSON = {"user": "UKIM", "ts": "2.0", "thread_ts": "1.0", "text": "Hm"}
EDITED = {"edited": {"user": "UKIM", "ts": "3.0"}}


@pytest.mark.parametrize(
    "event",
    [
        {**PERSON, "bot_id": "B1"},
        {**PERSON, "subtype": "bot_message"},
        {**PERSON, "subtype": "channel_join"},
        {**PERSON, "thread_ts": "2.0"},
        {"user": "UKIM", "ts": "2.0", "text": "Hm"},
        {"subtype": "message_changed", "message": {**PERSON, **EDITED, "subtype": "tombstone"}},
        {"subtype": "message_changed", "message": {**PERSON, **EDITED, "bot_id": "B1"}},
        {"subtype": "message_changed", "message": PERSON},
        {"subtype": "message_deleted", "deleted_ts": "2.0"},
    ],
)
def test_what_is_no_reply_by_a_person_is_not_heard(event: Mapping[str, object]) -> None:
    assert read({"channel": "C1", **event}) is None


def test_a_broadcast_and_a_file_are_replies_like_others() -> None:
    file: Json = {"subtype": "file_share", "files": [{"name": "limit.pdf"}], "channel": "C1"}
    shared = read({**PERSON, **file})
    assert shared is not None
    assert shared.text == "Hm (file: limit.pdf)"
    assert read({**PERSON, "subtype": "thread_broadcast", "channel": "C1"}) is not None


async def test_a_reply_quicker_than_the_note_of_its_card_is_recorded_when_brought_again(
    team: Team, listeners: Listeners, october: Bills
) -> None:
    card = await team.kim.card(october.acme)
    where = {"channel": team.kim.dm, "ts": card["ts"]}
    forget = "update messages set state = 'sending', channel = null, ts = null"
    async with team.db.transaction() as session:
        known = f"{forget} where channel = :channel and ts = :ts returning id"
        posting = await session.scalar(sa.text(known), where)
    reply = {
        "type": "message",
        "user": "UKIM",
        "text": "Quick!",
        "channel": where["channel"],
        "ts": "1800000000.000100",
        "thread_ts": card["ts"],
        "parent_user_id": team.sandbox.bot_user_id,
    }
    event = {"type": "event_callback", "team_id": team.sandbox.team_id, "event": reply}
    assert (await listeners.hear(event)).status == 503
    note = "update messages set state = 'posted', channel = :channel, ts = :ts"
    async with team.db.transaction() as session:
        await session.execute(sa.text(f"{note} where id = :id"), where | {"id": posting})
    assert (await listeners.hear(event)).status == 200
    assert await verbs_of(team.db, october.acme) == ["generate", "comment"]


async def test_whoever_lost_their_role_deletes_their_reply_on_the_record(
    team: Team, october: Bills, people: People
) -> None:
    dm = team.kim.dm
    card = await team.kim.card(october.acme)
    for index, change in enumerate(("role = null", "role = 'Manager'", "active = false")):
        reply = await team.kim.replies(f"Too much {index}", to=card)
        await _become(team, "Kim", change)
        told = len(team.kim.whispers(dm))
        await team.kim.deletes(reply["ts"], dm)
        last = (await actions_of(team.db, october.acme))[-1]
        assert (last.action, last.stakeholder_id) == ("comment_delete", people.kim.id), change
        assert len(team.kim.whispers(dm)) == told
        await _become(team, "Kim", "role = 'Customer Success', active = true")


async def test_nothing_is_said_of_changes_to_replies_that_were_never_recorded(
    team: Team, october: Bills
) -> None:
    thread = await card_in_channel(team, october.acme)
    for user in ("UMAX", "UNEW", "UGUS", "UFAR"):
        reply = await team.person(user).replies("Looks wrong", to=thread)
        told = len(team.person(user).whispers())
        await team.person(user).edits(reply["ts"], "Looks right", "CBILLS")
        await team.person(user).deletes(reply["ts"], "CBILLS")
        assert len(team.person(user).whispers()) == told, user
    assert await verbs_of(team.db, october.acme) == ["generate"]


async def test_an_edit_that_is_refused_is_called_an_edit(team: Team, october: Bills) -> None:
    dm = team.kim.dm
    card = await team.kim.card(october.acme)
    reply = await team.kim.replies("Too much", to=card)
    await _become(team, "Kim", "role = 'Manager'")
    await team.kim.edits(reply["ts"], "Too little", dm)
    assert "Your edit was not recorded" in team.kim.whispers(dm)[-1]["text"]
    assert await verbs_of(team.db, october.acme) == ["generate", "comment"]


async def _become(team: Team, name: str, change: str) -> None:
    async with team.db.transaction() as session:
        update = sa.text(f"update users set {change} where name = :name")
        await session.execute(update, {"name": name})
