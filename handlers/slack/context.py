"""One Slack request: who asks, its transaction, its receipt or its polite refusal.

The receipt follows the commit. A refusal rolls back and is told to the person in one sentence;
whatever nobody foresaw is told by a reference number, which is also in the log.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Self
from zoneinfo import ZoneInfo

from slack_bolt.response import BoltResponse

from handlers.request_log import with_reference
from handlers.slack.answers import Answer, Dialog, Json, Later, Reply, Responder, Unanswered
from handlers.slack.background import BackgroundTasks, begin, log_failure
from handlers.slack.blocks.access import NO_ROLE, SWITCHED_OFF, access_offer
from handlers.slack.blocks.action_ids import unpack
from handlers.slack.blocks.card import bill_card
from handlers.slack.blocks.errors import trouble_message
from handlers.slack.blocks.thread import unrecorded
from handlers.slack.repeats import DOUBLE_CLICK_S, Repeats
from handlers.slack.request import LATE, PERHAPS_OPEN, Click, CustomerChoice, Request
from handlers.slack.users import SlackUsers, check_member, display_name
from handlers.slack.written import ThreadMessage
from models.actions.access import welcome
from models.actions.refused import put_right
from models.context import Context, Source, system_context
from models.db.columns import Session
from models.db.database import Database
from models.db.locks import busy_after_waiting
from models.errors import (
    Ambiguous,
    Busy,
    NextStep,
    NoCustomer,
    NotAllowed,
    Refusal,
    Step,
    WrongState,
)
from models.named_people import WhoCan
from models.outbox.cards import redraw_card_at
from models.people.permissions import Permission
from models.people.users import User, find_by_slack, keep_slack_zone
from models.people.who_can import who_gives_roles
from models.queries.bill_loader import load_bill_details
from models.settings import BillingSettings

# Slack waits 3 s for a receipt. So long after a request came in its work is called off; what is
# done so long after that: the last is telling somebody that a dialog did not open.
WORK_S = 2.0
REDRAW_S, ANSWER_S, APOLOGY_S = 0.2, 0.5, 0.7
IDENTIFY_PART = 0.75
LATER_PART = 0.75
QUOTES = "\"'“”„‘’«»"
SLOW = "Countersign was too slow just now. See how things stand before you try again."


@dataclass(frozen=True, kw_only=True)
class Services:
    """What every request needs of the running program. `app_id` None: any app's requests count.
    `work_s`: how long a request is worked on.
    """

    db: Database
    now: Callable[[], datetime]
    zone: ZoneInfo
    billing: BillingSettings
    team_id: str
    bot_user_id: str
    slack: Responder
    app_id: str | None = None
    background: BackgroundTasks = field(default_factory=BackgroundTasks)
    repeats: Repeats = field(default_factory=Repeats)
    double_clicks: Repeats = field(default_factory=lambda: Repeats(DOUBLE_CLICK_S))
    work_s: float = WORK_S

    @cached_property
    def users(self) -> SlackUsers:
        """Who people are to Slack, as this program knows them."""
        return SlackUsers(self.now)


@dataclass(frozen=True, kw_only=True)
class RequestContext(Context):
    """A request inside its transaction. `command` and `text` are those of a slash command."""

    services: Services
    session: Session
    request: Request
    command: str = ""
    text: str = ""

    def ids(self, *needed: str) -> dict[str, Any]:
        """What the clicked button or the dialog carries; it proves nothing."""
        return unpack(self.request.value, *needed)

    def entered(self, block_id: str) -> str:
        """What stands in a field of the dialog; empty where nothing does."""
        return self.request.entered(block_id)

    def files(self, block_id: str) -> list[str]:
        """The ids of the files in a field of the dialog."""
        return self.request.files(block_id)

    def has_field(self, block_id: str) -> bool:
        """Whether the dialog has such a field."""
        return self.request.has_field(block_id)

    @property
    def is_private(self) -> bool:
        """Whether what was clicked is a message that only this person sees."""
        return isinstance(self.request, Click) and self.request.is_private

    @asynccontextmanager
    async def begun_anew(self, statement_s: float) -> AsyncIterator[Self]:
        """The same request in a transaction of its own, for long work, once its first has ended:
        whoever asks is looked up again.
        """
        services = self.services
        async with services.db.long_transaction(statement_s) as session:
            user = await find_by_slack(session, self.request.user_id, services.team_id)
            if user is None:
                raise NotAllowed(NO_ROLE, who_can=await who_gives_roles(session))
            yield replace(self, session=session, user=user, now=services.now())

    @contextmanager
    def naming(self, typed: str) -> Iterator[None]:
        """A name that fits several is answered by buttons that run the command with each; of one
        that no customer has, whoever may add customers is told how.
        """
        try:
            yield
        except Ambiguous as refused:
            if isinstance(refused, NoCustomer) and self.user.can(Permission.KEEP_BOOKS):
                refused.next_steps = (*refused.next_steps, NextStep(Step.ADD_CUSTOMER))
            named = refused.typed or typed
            alone = rf"(?<![^\s{QUOTES}]){re.escape(named)}(?![^\s{QUOTES}])"
            place = re.compile(alone) if named else None
            if place is None or not self.command or not place.search(self.text):
                raise
            text = place.sub("{}", self.text.replace("{}", ""), count=1)
            raise CustomerChoice(refused, self.command, text) from refused


Listener = Callable[[RequestContext], Awaitable[Answer | Later | None]]


async def handle(
    services: Services, request: Request, listener: Listener, *, newcomers: bool = False
) -> BoltResponse:
    """Do what is asked in one transaction, commit, and then answer.

    People without a role are offered to ask for one, unless `newcomers` are welcome: then a
    person nobody knows yet is added. An event that failed is not received, so Slack sends it
    again. All this takes less than the 3 s that Slack waits. What Slack brings twice is done once,
    and so is a double click on what posts something.
    """

    async def work() -> BoltResponse:
        with with_reference():
            return await _handle(services, request, listener, newcomers=newcomers)

    async def once_a_double_click() -> BoltResponse:
        return await services.double_clicks.once(request.double_click_key, work)

    return await services.repeats.once(request.body.get("trigger_id"), once_a_double_click)


async def _handle(
    services: Services, request: Request, listener: Listener, *, newcomers: bool
) -> BoltResponse:
    start = asyncio.get_running_loop().time()
    answers: Sequence[Answer]
    try:
        with busy_after_waiting():
            async with asyncio.timeout_at(start + services.work_s):
                heard = await _answer(services, request, listener, newcomers=newcomers)
        answers = [await _in_time(services, request, answer, start) for answer in heard]
    except Refusal as refusal:
        if isinstance(refusal, Busy) and isinstance(request, ThreadMessage):
            return BoltResponse(status=500, body="")
        again = await _redraw(services, request, refusal, start)
        answers = [*request.refused(refusal), *again]
    except Exception as error:
        reference = log_failure("A request failed", request)
        if isinstance(request, ThreadMessage):
            return BoltResponse(status=500, body="")
        slow = isinstance(error, TimeoutError)
        answers = request.refused(Refusal(SLOW)) if slow else [Reply(trouble_message(reference))]
    return await _respond(services, request, answers, start)


async def _in_time(
    services: Services, request: Request, answer: Answer | Later, start: float
) -> Answer:
    if not isinstance(answer, Later):
        return answer
    until = start + services.work_s * LATER_PART
    wait_s = max(0.0, until - asyncio.get_running_loop().time())
    return await begin(services.slack, services.background, request, answer, wait_s)


async def identify(services: Services, request: Request) -> Json:
    """Slack's description of whoever asks; refuses everybody who is not of this workspace."""
    if services.app_id and request.app_id not in (None, services.app_id):
        raise NotAllowed("That request was meant for another app.")
    if request.team_ids - {services.team_id}:
        raise NotAllowed("Countersign serves the people of its own workspace only.")
    async with asyncio.timeout(services.work_s * IDENTIFY_PART):
        account = await services.users.look_up(services.slack, request.user_id)
    check_member(account, services.team_id)
    return account


async def _answer(
    services: Services, request: Request, listener: Listener, *, newcomers: bool
) -> Sequence[Answer | Later]:
    account = await identify(services, request)
    async with services.db.transaction() as session:
        if newcomers:
            email = account.get("profile", {}).get("email")
            user: User | None = await welcome(
                session, request.user_id, services.team_id, display_name(account), email
            )
        else:
            user = await find_by_slack(session, request.user_id, services.team_id)
        if user is None or not (newcomers or user.can(Permission.SEE)):
            return _without_a_role(request, user, await who_gives_roles(session))
        if account.get("tz") not in (None, user.slack_zone):
            await keep_slack_zone(session, request.user_id, account["tz"], services.now())
        context = RequestContext(
            user=user,
            now=services.now(),
            source=Source.SLACK,
            settings=services.billing,
            services=services,
            session=session,
            request=request,
        )
        answer = await listener(context)
    return [answer] if answer else []


def _without_a_role(request: Request, user: User | None, who: WhoCan) -> list[Answer]:
    had_one = user is not None and user.role is not None
    why = SWITCHED_OFF if had_one else NO_ROLE
    if isinstance(request, ThreadMessage):
        if request.what is None:
            return []
        why = f"{unrecorded(request.what)} {why}"
    return [Reply(access_offer(who, why))]


async def _redraw(
    services: Services, request: Request, refusal: Refusal, start: float
) -> list[Answer]:
    """A card that offered what was refused is wrong: promise a new one, and draw a private one."""
    if request.bill_id is None or not isinstance(refusal, (WrongState, NotAllowed)):
        return []
    until = start + services.work_s + REDRAW_S
    try:
        async with asyncio.timeout_at(until), services.db.transaction() as session:
            if isinstance(request, Click) and request.message:
                await redraw_card_at(session, *request.message)
            if isinstance(refusal, NotAllowed):
                return []
            act = await system_context(session, services.now(), Source.SLACK, services.billing)
            await put_right(session, request.bill_id, refusal, act)
            if not (isinstance(request, Click) and request.is_private):
                return []
            facts = await load_bill_details(session, [request.bill_id])
            user = await find_by_slack(session, request.user_id, services.team_id)
        return [Reply(bill_card(facts[0], user, has_thread=False), replace=True)]
    except Exception:
        log_failure("A card was not drawn again", request)
        return []


async def _respond(
    services: Services, request: Request, answers: Sequence[Answer], start: float
) -> BoltResponse:
    """What has been done stays done, even where Slack will not take the answer."""
    try:
        async with asyncio.timeout_at(start + services.work_s + ANSWER_S):
            body = await request.respond(services.slack, answers)
    except Exception as error:
        log_failure("An answer did not arrive", request)
        body = await _missed(services, request, answers, error, start)
    return BoltResponse(status=200, body=body or "")


async def _missed(
    services: Services,
    request: Request,
    answers: Sequence[Answer],
    error: Exception,
    start: float,
) -> Json:
    """A dialog that did not open is missed; an answer that got lost is not worth a second one,
    which would be the second where it did arrive.
    """
    if not any(isinstance(answer, Dialog) for answer in answers):
        return {}
    told = PERHAPS_OPEN if isinstance(error, Unanswered | TimeoutError) else LATE
    try:
        async with asyncio.timeout_at(start + services.work_s + APOLOGY_S):
            return await request.respond(services.slack, request.refused(Refusal(told)))
    except Exception:
        log_failure("Nor did the apology", request)
        return {}
