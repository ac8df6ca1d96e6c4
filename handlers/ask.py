"""One Slack request: who asks, its transaction, its receipt or its polite refusal.

The receipt follows the commit. A refusal rolls back and is told to the person in one sentence;
whatever nobody foresaw is told by a reference number, which is also in the log.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from slack_bolt.response import BoltResponse

from handlers.directory import Directory, name_of, refuse_strangers
from handlers.requests import (
    LATE,
    Answer,
    Choice,
    Dialog,
    Json,
    Press,
    Remark,
    Reply,
    Request,
    SlackFace,
)
from handlers.views import card, replies
from handlers.views.clicks import unpack
from models import access, announce, people
from models.base import Database, Session
from models.bills import Source
from models.case import Act
from models.gather import bill_facts
from models.month_end import Rules
from models.people import Deed, User
from models.refusals import Ambiguous, NotAllowed, Refusal, WrongState

__all__ = ["Ask", "House", "SlackFace", "Verb", "asked", "identify", "noted"]

log = structlog.get_logger()

# Slack waits 3 s for a receipt, and most of that is for the work between these two.
IDENTIFY_S = 1.5
ANSWER_S = 1.5


@dataclass(frozen=True, kw_only=True)
class House:
    """What every request needs of the running program. `app_id` None: any app's requests count."""

    db: Database
    now: Callable[[], datetime]
    zone: ZoneInfo
    rules: Rules
    team_id: str
    bot_user_id: str
    slack: SlackFace
    app_id: str | None = None
    directory: Directory = field(default_factory=Directory)


@dataclass(frozen=True)
class Ask:
    """A request inside its transaction. `command` and `text` are those of a slash command."""

    house: House
    session: Session
    user: User
    now: datetime
    request: Request
    command: str = ""
    text: str = ""

    @property
    def act(self) -> Act:
        return Act(self.user, self.now, Source.SLACK)

    def ids(self, *needed: str) -> dict[str, Any]:
        """What the clicked button or the dialog carries; it proves nothing."""
        return unpack(self.request.value, *needed)

    @contextmanager
    def naming(self, typed: str) -> Iterator[None]:
        """A name that fits several is answered by buttons that run the command with each."""
        try:
            yield
        except Ambiguous as refused:
            place = re.compile(rf"(?<!\S){re.escape(typed)}(?!\S)") if typed else None
            if place is None or not self.command or not place.search(self.text):
                raise
            text = place.sub("{}", self.text.replace("{}", ""), count=1)
            raise Choice(refused, self.command, text) from refused


Verb = Callable[[Ask], Awaitable[Answer | None]]


async def asked(
    house: House, request: Request, verb: Verb, *, newcomers: bool = False
) -> BoltResponse:
    """Do what is asked in one transaction, commit, and then answer.

    People without a role are offered to ask for one, unless `newcomers` are welcome: then a
    person nobody knows yet is added. An event that failed is not received, so Slack sends it
    again.
    """
    try:
        answers = await _done(house, request, verb, newcomers=newcomers)
    except WrongState as refusal:
        answers = [*request.refused(refusal), *await _drawn_again(house, request)]
    except Refusal as refusal:
        answers = request.refused(refusal)
    except Exception:
        reference = noted("A request failed", request)
        if isinstance(request, Remark):
            return BoltResponse(status=500, body="")
        answers = [Reply(replies.trouble(reference))]
    return await _given(house, request, answers)


async def identify(house: House, request: Request) -> Json:
    """Slack's description of whoever asks; refuses everybody who is not of this workspace."""
    if house.app_id and request.app_id not in (None, house.app_id):
        raise NotAllowed("That request was meant for another app.")
    if request.team_ids - {house.team_id}:
        raise NotAllowed("Countersign serves the people of its own workspace only.")
    async with asyncio.timeout(IDENTIFY_S):
        account = await house.directory.look_up(house.slack, request.user_id, house.now())
    refuse_strangers(account, house.team_id)
    return account


async def _done(house: House, request: Request, verb: Verb, *, newcomers: bool) -> Sequence[Answer]:
    account = await identify(house, request)
    async with house.db.transaction() as session:
        if newcomers:
            email = account.get("profile", {}).get("email")
            user: User | None = await access.welcome(
                session, request.user_id, house.team_id, name_of(account), email
            )
        else:
            user = await people.find_by_slack(session, request.user_id, house.team_id)
        if user is None or not (newcomers or user.may(Deed.SEE)):
            return _without_a_role(request, user)
        answer = await verb(Ask(house, session, user, house.now(), request))
    return [answer] if answer else []


def _without_a_role(request: Request, user: User | None) -> list[Answer]:
    if user is not None and user.role is not None:
        raise NotAllowed("You are no longer active in Countersign. Ask Finance to change that.")
    told = [Reply(replies.request_access())]
    if isinstance(request, Remark):
        return [*request.refused(NotAllowed("You have no role in Countersign yet.")), *told]
    return [*told]


async def _drawn_again(house: House, request: Request) -> list[Answer]:
    """Whoever came too late looked at an old card: promise a new one, and draw a private one."""
    if request.bill_id is None:
        return []
    try:
        async with house.db.transaction() as session:
            await announce.bill_changed(session, request.bill_id)
            if not (isinstance(request, Press) and request.is_private):
                return []
            facts = await bill_facts(session, [request.bill_id])
        return [Reply(card.bill_card(facts[0]), replace=True)]
    except Exception:
        noted("A card was not drawn again", request)
        return []


async def _given(house: House, request: Request, answers: Sequence[Answer]) -> BoltResponse:
    """What has been done stays done, even where Slack will not take the answer."""
    try:
        async with asyncio.timeout(ANSWER_S):
            body = await request.give(house.slack, answers)
    except Exception:
        noted("An answer did not arrive", request)
        body = await _late(house, request, answers)
    return BoltResponse(status=200, body=body or "")


async def _late(house: House, request: Request, answers: Sequence[Answer]) -> Json:
    """A dialog that did not open is missed; an answer that got lost is not worth a second one."""
    if not any(isinstance(answer, Dialog) for answer in answers):
        return {}
    try:
        async with asyncio.timeout(ANSWER_S):
            return await request.give(house.slack, request.refused(Refusal(LATE)))
    except Exception:
        noted("Nor did the apology", request)
        return {}


def noted(event: str, request: Request) -> str:
    """Write the current exception to the log; returns the reference it is found by."""
    reference = secrets.token_hex(4)
    log.exception(event, reference=reference, request=type(request).__name__, user=request.user_id)
    return reference
