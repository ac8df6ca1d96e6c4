"""Replies in the thread of a card, which become comments on its bill."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_bolt.response import BoltResponse

from handlers.slack.answers import Answer, Reply
from handlers.slack.blocks.thread import decides_nothing, reads_like_a_decision
from handlers.slack.context import RequestContext, Services, handle
from handlers.slack.decision_words import decision_in
from handlers.slack.parsing import mentioned, typed_text
from handlers.slack.users import display_name
from handlers.slack.written import ThreadMessage
from models.actions.comment import add_reply, delete_reply, edit_reply, is_reply_recorded
from models.bills.states import State
from models.context import Context, Source
from models.errors import NotAllowed
from models.outbox.threads import bill_of_thread, is_a_message_unconfirmed
from models.people.permissions import Permission
from models.people.users import User, find_by_slack
from models.queries.allowed_verbs import allowed_verbs
from models.queries.bill_details import BillDetails
from models.queries.bill_loader import load_bill_details
from models.schedule.heard_replies import note_unless_heard

OK = 200
_WRITTEN = (None, "thread_broadcast", "file_share")


@dataclass(frozen=True)
class ThreadEvent:
    """A reply in a thread, its edit (`edited_ts`), or its deletion (with what it said).

    `under`: who wrote the message that heads the thread.
    """

    author: str
    channel: str
    thread_ts: str
    ts: str
    text: str
    edited_ts: str | None = None
    deleted: bool = False
    under: str | None = None


async def handle_message(services: Services, body: Mapping[str, Any]) -> BoltResponse:
    """Record what was said, if it was said by a person in the thread of a card."""
    said = read(body["event"])
    if said is None:
        return BoltResponse(status=200, body="")
    async with services.db.transaction() as session:
        bill_id = await bill_of_thread(session, said.channel, said.thread_ts)
        too_early = bill_id is None and await is_a_message_unconfirmed(session)
        recorded = await is_reply_recorded(session, said.channel, said.ts)
    if bill_id is None:
        # A reply can be quicker than the note of where its card stands. Slack brings it again.
        bring_again = too_early and said.under == services.bot_user_id
        return BoltResponse(status=503 if bring_again else 200, body="")
    words = typed_text(said.text, await _names(services, said.text))
    if said.deleted and recorded:
        return await _taken_back(services, said, bill_id, words)
    changed = "edit" if recorded else None
    what = changed if said.deleted or said.edited_ts else "reply"
    request = ThreadMessage(body, said.author, said.channel, said.thread_ts, what)
    receipt = await handle(services, request, partial(_record, said, bill_id, words))
    if receipt.status == OK and not said.deleted:
        async with services.db.transaction() as session:
            message = (said.channel, said.ts, said.edited_ts)
            await note_unless_heard(session, *message, services.now())
    return receipt


async def is_reply(services: Services, event: Mapping[str, Any]) -> bool:
    """Whether what was written, be it to the bot, stands below a card, and so is a comment."""
    thread_ts = event.get("thread_ts")
    if not thread_ts:
        return False
    async with services.db.transaction() as session:
        return await bill_of_thread(session, event["channel"], thread_ts) is not None


def read(event: Mapping[str, Any]) -> ThreadEvent | None:
    """What a message event says; None for what bots say and what stands in no thread."""
    subtype = event.get("subtype")
    if subtype == "message_deleted":
        return _said(event, event.get("previous_message") or {}, deleted=True)
    if subtype == "message_changed":
        # Slack changes messages too, to show a link; only people leave a mark that they edited.
        message = event.get("message") or {}
        return _said(event, message) if message.get("edited") else None
    return _said(event, event) if subtype in _WRITTEN else None


def _said(
    event: Mapping[str, Any], message: Mapping[str, Any], *, deleted: bool = False
) -> ThreadEvent | None:
    thread_ts, ts, author = (message.get(key) for key in ("thread_ts", "ts", "user"))
    by_a_person = author and not message.get("bot_id") and message.get("subtype") in _WRITTEN
    if not by_a_person or not thread_ts or thread_ts == ts:
        return None
    return ThreadEvent(
        author=str(author),
        channel=event["channel"],
        thread_ts=thread_ts,
        ts=str(ts),
        text=_words(message),
        edited_ts=(message.get("edited") or {}).get("ts"),
        deleted=deleted,
        under=message.get("parent_user_id"),
    )


def _words(message: Mapping[str, Any]) -> str:
    files = [f"(file: {file.get('name') or 'without a name'})" for file in message.get("files", [])]
    return " ".join(filter(None, [message.get("text", ""), *files]))


async def _names(services: Services, text: str) -> dict[str, str]:
    """The names of people who are mentioned without one; who is not known stays an id."""
    names = {}
    for slack_user_id in sorted(mentioned(text))[:10]:
        try:
            account = await services.users.look_up(services.slack, slack_user_id)
        except NotAllowed:
            continue
        names[slack_user_id] = display_name(account)
    return names


async def _taken_back(
    services: Services, said: ThreadEvent, bill_id: int, words: str
) -> BoltResponse:
    """A deletion is a fact: it is recorded whatever its author may do by now."""
    async with services.db.transaction() as session:
        author = await find_by_slack(session, said.author, services.team_id)
        if author is not None:
            act = Context(author, services.now(), Source.SLACK)
            message = (words, said.channel, said.ts)
            await delete_reply(session, bill_id, act, *message)
    return BoltResponse(status=200, body="")


async def _record(
    said: ThreadEvent, bill_id: int, words: str, context: RequestContext
) -> Answer | None:
    message = (words, said.channel, said.ts)
    if said.deleted:
        await delete_reply(context.session, bill_id, context, *message)
        return None
    first = await add_reply(context.session, bill_id, context, *message, edited_ts=said.edited_ts)
    if first is None and said.edited_ts:
        await edit_reply(context.session, context, *message, said.edited_ts)
    return await _decide_by_button(context, bill_id, words) if first else None


async def _decide_by_button(context: RequestContext, bill_id: int, words: str) -> Answer | None:
    """A reply that reads like a decision is none; whoever may decide is offered the button."""
    decision = decision_in(words)
    if decision is None or not context.user.can(Permission.APPROVE):
        return None
    (facts,) = await load_bill_details(context.session, [bill_id])
    if decision in allowed_verbs(facts, context.user):
        return Reply(reads_like_a_decision(facts, decision))
    if facts.status is not State.PENDING or _has_decided(facts, context.user):
        return None
    return Reply(decides_nothing(facts))


def _has_decided(facts: BillDetails, user: User) -> bool:
    return any(one.by.id == user.id for one in facts.approvals)
