"""What each kind of message says: its facts, read in a transaction, and how they are drawn."""

from collections.abc import Awaitable, Callable
from functools import partial
from zoneinfo import ZoneInfo

from bot.worker.approver_content import (
    escalation_content,
    reassigned_content,
    reminder_content,
)
from bot.worker.content import Content
from bot.worker.mail_content import (
    bounced_content,
    customer_replies_content,
    delivered_content,
    mail_resumed_content,
    mail_stopped_content,
    mailbox_unread_content,
    may_have_arrived_content,
    not_sent_content,
)
from bot.worker.month_content import (
    month_end_content,
    preview_content,
    reconciled_content,
    run_content,
    weekly_content,
)
from handlers.slack.blocks.access import (
    access_declined,
    access_granted,
    access_requested,
    access_settled,
    away_by_status,
    back_in_slack,
    delegate_lost,
    left_slack,
    no_longer_standing_in,
    passed_on,
    standing_in,
)
from handlers.slack.blocks.bill_list import digest_message
from handlers.slack.blocks.bulk_approve import approving_many
from handlers.slack.blocks.bulk_send import send_preview, send_progress
from handlers.slack.blocks.card import bill_card
from handlers.slack.blocks.notifications import (
    RECALCULATED_NAMED,
    approvals_notice,
    approvals_revoked_notice,
    recalculated_notice,
    rejection_notice,
    shut_channel_notice,
    unreachable_notice,
    unreached_notice,
    webhook_off_notice,
)
from handlers.slack.blocks.sent import list_progress
from handlers.slack.blocks.sources import pull_notice
from handlers.slack.blocks.usage_alerts import ALERTED_AT_MOST, usage_alerts_message
from handlers.wording.webhook_text import host_of
from models.batches.approval_offers import offer_approvals
from models.batches.bulk_approve import approval_report
from models.batches.bulk_send import send_report
from models.batches.bulk_send_outcome import outcome_of
from models.batches.send_preview import SendFacts, fill_list
from models.bills.states import State
from models.db.columns import Session
from models.outbox.delivery import count_actions, reader_of
from models.outbox.messages import Message, MessageKind, MessageState
from models.outbox.people_notices import DECLINED
from models.people.away_statuses import AwayStatus
from models.people.permissions import Permission, Role
from models.people.users import User, person_ref
from models.period import Period
from models.queries.bill_details import BillDetails
from models.queries.bill_loader import load_bill_details
from models.queries.digest import load_digest
from models.queries.history import HistoryEntry, load_history
from models.queries.month_outlook import alerted_outlooks
from models.queries.sources import load_pull_notice
from models.queries.waiting import WAITING, still_waiting
from models.webhooks.webhooks import OffCause, Webhook, WebhookState

BULKY = frozenset(
    {
        *(MessageKind.RUN_PREVIEW, MessageKind.MONTH_END, MessageKind.RUN, MessageKind.DIGEST),
        MessageKind.WEEKLY_DIGEST,
        *(MessageKind.SEND_PREVIEW, MessageKind.SENDING, MessageKind.APPROVING),
    }
)
"""What tells of any number of bills is read without a waiting person's limits."""

ASKED_FOR = frozenset({MessageKind.RUN_PREVIEW, MessageKind.SEND_PREVIEW})
"""Whoever waits for such an answer hears as well where there is none, and why."""

APPROVED = frozenset({State.APPROVED, State.SENDING, State.SENT})


async def content_of(session: Session, message: Message) -> Content | None:
    """What this message says as things are now; None where there is nothing left to say."""
    return await CONTENT_BY_KIND[message.kind](session, message)


async def _card(session: Session, message: Message) -> Content:
    assert message.bill_id is not None
    actions = await count_actions(session, message.bill_id)
    (facts,) = await load_bill_details(session, [message.bill_id])
    reader = await reader_of(session, message.recipient)
    return Content(partial(bill_card, facts, reader), actions)


async def _digest(session: Session, message: Message) -> Content | None:
    """One that was posted is drawn though nothing waits any more."""
    digest = await load_digest(session, message)
    if not digest.waiting and message.state != MessageState.POSTED:
        return None
    reader = await reader_of(session, message.recipient)
    may = reader is not None and reader.can(Permission.APPROVE)
    offers = await offer_approvals(session, message, digest, reader) if reader and may else ()
    return Content(partial(digest_message, digest, offers))


async def _rejection(session: Session, message: Message) -> Content:
    return Content(partial(rejection_notice, *await _told_of(session, message)))


async def _told_of(session: Session, message: Message) -> tuple[BillDetails, HistoryEntry]:
    """The bill as it is now, and the entry that somebody is told of."""
    bill_id, action_id = message.facts["bill_id"], message.facts["action_id"]
    (facts,) = await load_bill_details(session, [bill_id])
    (entry,) = [entry for entry in await load_history(session, bill_id) if entry.id == action_id]
    return facts, entry


async def _approvals(session: Session, message: Message) -> Content | None:
    """Approvals taken back in the meantime are not told."""
    found = await load_bill_details(session, message.facts["bills"])
    approved = [facts for facts in found if facts.status in APPROVED]
    reader_id = int(message.recipient.partition(":")[2])
    return Content(partial(approvals_notice, approved, reader_id)) if approved else None


async def _approvals_fell(session: Session, message: Message) -> Content | None:
    """Bills that were approved again, or made void, in the meantime are not told."""
    found = await load_bill_details(session, message.facts["bills"])
    waiting = [facts for facts in found if facts.status in WAITING]
    more = message.facts["count"] - len(found)
    if not waiting:
        return None
    reader = await reader_of(session, message.recipient)
    asked = await still_waiting(session, [facts.id for facts in waiting], reader)
    return Content(partial(approvals_revoked_notice, waiting, asked, more))


async def _settled(session: Session, message: Message) -> Content:
    done = {name: (told["count"], told["bills"]) for name, told in message.facts.items()}
    named = {one for _, some in done.values() for one in some[:RECALCULATED_NAMED]}
    facts = {one.id: one for one in await load_bill_details(session, sorted(named))}
    return Content(partial(recalculated_notice, done, facts))


async def _send_preview(session: Session, message: Message) -> Content:
    told = message.facts
    period = Period.parse(told["month"])
    known: SendFacts = {
        "delay_minutes": told["delay_minutes"],
        "own_template": told.get("own_template", False),
    }
    facts = await fill_list(session, told["list"], known, period=period)
    return Content(partial(send_preview, facts))


async def _sending(session: Session, message: Message) -> Content:
    report = await send_report(session, message.id)
    if not report.ended:
        return Content(partial(send_progress, report))
    facts = await outcome_of(session, message.id, report)
    reader = await reader_of(session, message.recipient)
    assert reader is not None
    return Content(partial(list_progress, facts, reader))


async def _approving(session: Session, message: Message) -> Content:
    return Content(partial(approving_many, await approval_report(session, message.id)))


async def _access_request(session: Session, message: Message) -> Content | None:
    """One that was answered says so, or is not asked any more."""
    told = message.facts
    asker = await session.get_one(User, told["user_id"])
    if "answer" not in told:
        return Content(partial(access_requested, person_ref(asker), asker.email))
    if message.state != MessageState.POSTED:
        return None
    by = person_ref(await session.get_one(User, told["by"]))
    declined = told["answer"] == DECLINED
    return Content(partial(access_settled, person_ref(asker), by, declined=declined))


async def _access_declined(session: Session, message: Message) -> Content:
    by = await session.get_one(User, message.facts["by"])
    return Content(partial(access_declined, person_ref(by)))


async def _delegated(session: Session, message: Message) -> Content | None:
    """What is not so any more by the time it is told is not told."""
    away = await session.get_one(User, message.facts["away"])
    reader = await reader_of(session, message.recipient)
    if "former" in message.facts:
        return await _passed_on(session, away, message)
    stands_in = reader is not None and away.delegate_id == reader.id
    if stands_in != message.facts["stands_in"]:
        return None
    if away.away_until is None or not stands_in:
        return Content(partial(no_longer_standing_in, person_ref(away)))
    return Content(partial(standing_in, person_ref(away), away.away_until))


async def _passed_on(session: Session, away: User, message: Message) -> Content | None:
    former = await session.get_one(User, message.facts["former"])
    delegate = await session.get_one(User, message.facts["delegate"])
    if away.away_until is None or away.delegate_id != delegate.id:
        return None
    return Content(partial(passed_on, person_ref(former), person_ref(delegate)))


async def _away_by_status(session: Session, message: Message) -> Content | None:
    """Nothing once they have said something else."""
    user = await session.get_one(User, message.facts["user_id"])
    status = await session.get(AwayStatus, user.id)
    if user.away_until is None or status is None or not status.is_followed:
        return None
    delegate = await session.get_one(User, user.delegate_id) if user.delegate_id else None
    ref = person_ref(delegate) if delegate else None
    return Content(partial(away_by_status, user.away_until, ref))


async def _delegate_lost(session: Session, message: Message) -> Content | None:
    """Nothing once somebody else decides in their place, or they are back."""
    away = await session.get_one(User, message.facts["away"])
    delegate = await session.get_one(User, message.facts["delegate"])
    reader = await reader_of(session, message.recipient)
    if away.away_until is None or away.delegate_id is not None:
        return None
    for_away = reader is not None and reader.id == away.id
    told = partial(delegate_lost, person_ref(away), person_ref(delegate), for_away=for_away)
    return Content(told)


async def _left_slack(session: Session, message: Message) -> Content:
    user = await session.get_one(User, message.facts["user_id"])
    return Content(partial(left_slack, person_ref(user)))


async def _back_in_slack(session: Session, message: Message) -> Content | None:
    """Nothing once they are switched on."""
    user = await session.get_one(User, message.facts["user_id"])
    return None if user.active else Content(partial(back_in_slack, person_ref(user)))


async def _unreached(session: Session, message: Message) -> Content | None:
    """Nothing once Slack reaches them."""
    if "channel" in message.facts:
        told = message.facts
        return Content(partial(shut_channel_notice, told["channel"], told["refused"]))
    user_id, role = message.facts["user_id"], Role(message.facts["role"])
    if user_id is None:
        return Content(partial(unreached_notice, role, None))
    user = await session.get_one(User, user_id)
    if "refused" in message.facts:
        return Content(partial(unreachable_notice, person_ref(user), message.facts["refused"]))
    return (
        None if user.slack_user_id else Content(partial(unreached_notice, role, person_ref(user)))
    )


async def _access_granted(session: Session, message: Message) -> Content:
    del session
    return Content(partial(access_granted, Role(message.facts["role"])))


async def _webhook_off(session: Session, message: Message) -> Content | None:
    """Nothing once somebody has looked after it."""
    webhook = await session.get(Webhook, message.facts["webhook_id"])
    if webhook is None or webhook.state != WebhookState.OFF:
        return None
    cause = OffCause(message.facts["cause"])
    return Content(partial(webhook_off_notice, host_of(webhook), cause))


async def _usage_alerts(session: Session, message: Message) -> Content | None:
    """Nothing where the figures they were found in are gone."""
    period, zone = Period.parse(message.facts["month"]), ZoneInfo(message.facts["zone"])
    found, count = await alerted_outlooks(session, message.id, period, zone, ALERTED_AT_MOST)
    return Content(partial(usage_alerts_message, found, count, zone)) if found else None


async def _pull(session: Session, message: Message) -> Content:
    return Content(partial(pull_notice, await load_pull_notice(session, message.facts["pull_id"])))


CONTENT_BY_KIND: dict[str, Callable[[Session, Message], Awaitable[Content | None]]] = {
    MessageKind.USAGE_ALERTS: _usage_alerts,
    MessageKind.CARD: _card,
    MessageKind.DIGEST: _digest,
    MessageKind.RUN: run_content,
    MessageKind.RUN_PREVIEW: preview_content,
    MessageKind.MONTH_END: month_end_content,
    MessageKind.WEEKLY_DIGEST: weekly_content,
    MessageKind.RECONCILED: reconciled_content,
    MessageKind.REJECTION: _rejection,
    MessageKind.APPROVAL: _approvals,
    MessageKind.NOT_SENT: not_sent_content,
    MessageKind.SETTLED: _settled,
    MessageKind.APPROVALS_FELL: _approvals_fell,
    MessageKind.SEND_PREVIEW: _send_preview,
    MessageKind.SENDING: _sending,
    MessageKind.APPROVING: _approving,
    MessageKind.ACCESS_REQUEST: _access_request,
    MessageKind.ACCESS_GRANTED: _access_granted,
    MessageKind.ACCESS_DECLINED: _access_declined,
    MessageKind.DELEGATED: _delegated,
    MessageKind.AWAY_BY_STATUS: _away_by_status,
    MessageKind.DELEGATE_LOST: _delegate_lost,
    MessageKind.LEFT_SLACK: _left_slack,
    MessageKind.BACK_IN_SLACK: _back_in_slack,
    MessageKind.UNREACHED: _unreached,
    MessageKind.WEBHOOK_OFF: _webhook_off,
    MessageKind.REASSIGNED: reassigned_content,
    MessageKind.PULL: _pull,
    MessageKind.REMINDER: reminder_content,
    MessageKind.ESCALATION: escalation_content,
    MessageKind.MAIL_STOPPED: mail_stopped_content,
    MessageKind.MAIL_RESUMED: mail_resumed_content,
    MessageKind.MAY_HAVE_ARRIVED: may_have_arrived_content,
    MessageKind.DELIVERED: delivered_content,
    MessageKind.BOUNCED: bounced_content,
    MessageKind.MAIL_REPLY: customer_replies_content,
    MessageKind.MAILBOX_UNREAD: mailbox_unread_content,
}
