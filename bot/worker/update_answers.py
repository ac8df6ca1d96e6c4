"""Correcting what somebody was answered who sent bills, while Slack lets us."""

from collections.abc import Callable
from datetime import datetime

import structlog

from bot.slack.client import ErrorKind, SlackError
from handlers.slack.answers import Responder, Unanswered
from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.card import bill_card
from handlers.slack.blocks.sent import list_sent, one_sent, shape
from models.batches.bulk_send_outcome import outcome_of_list
from models.db.columns import Session
from models.db.database import Database
from models.outbox.private_answers import (
    PrivateAnswer,
    find_answer,
    forget_answer,
    mark_corrected,
)
from models.people.users import User
from models.queries.bill_loader import load_bill_details

log = structlog.get_logger()


class AnswerUpdater:
    """Puts what is so now in the place of a private answer."""

    def __init__(self, db: Database, slack: Responder, now: Callable[[], datetime]) -> None:
        self._db = db
        self._slack = slack
        self._now = now

    async def redraw(self, answer_id: int) -> None:
        """Nothing where it tells how things are. To replace it twice does no harm."""
        async with self._db.transaction() as session:
            answer = await find_answer(session, answer_id, self._now())
            if answer is None:
                return
            told, shown = await _drawn(session, answer)
        if shown == answer.shown:
            return
        try:
            await self._slack.respond(answer.response_url, told, replace=True)
        except Unanswered as lost:
            raise SlackError(str(lost), ErrorKind.UNKNOWN) from lost
        except SlackError as trouble:
            if trouble.kind is not ErrorKind.PERMANENT:
                raise
            log.info("an answer is not corrected any more", cause=trouble.code)
            async with self._db.transaction() as session:
                await forget_answer(session, answer_id)
            return
        async with self._db.transaction() as session:
            await mark_corrected(session, answer_id, shown)


async def _drawn(session: Session, answer: PrivateAnswer) -> tuple[SlackMessage, str]:
    """What it is to say, and what tells that from anything else."""
    reader = await session.get_one(User, answer.user_id)
    if answer.list_id is not None:
        outcome = await outcome_of_list(session, answer.list_id)
        return list_sent(outcome, reader), shape(outcome)
    assert answer.bill_id is not None
    (facts,) = await load_bill_details(session, [answer.bill_id])
    told = (
        bill_card(facts, reader, has_thread=False) if answer.has_card else one_sent(facts, reader)
    )
    return told, told.text
