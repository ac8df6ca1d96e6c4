"""Decisions on a bill: the form of each, and what comes of it."""

import re
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response

from handlers.asking import question_of
from handlers.http.decisions import DECISIONS, DecisionField, DecisionRoute, Given, decide
from handlers.http.errors import status_of
from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.web.bills import details_of
from handlers.web.forms import Form, Typed, shown_again
from handlers.web.markup import text
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording.bill_text import short_title, where_it_stands
from handlers.wording.labels import PARTICIPLES
from handlers.wording.refusals import Medium, refusal_text
from handlers.wording.sent_text import one_sent_text
from models.bills.states import RejectReason, State, Verb
from models.errors import Invalid, NotAllowed, Refusal, WrongState
from models.numerals import read_units
from models.queries.bill_details import BillDetails

router = APIRouter(route_class=PageRoute)

DONE = {
    Verb.APPROVE: "Approved.",
    Verb.REJECT: "Rejected.",
    Verb.UNDO: "Taken back.",
    Verb.REVISE: "Revised.",
    Verb.SEND: "Sent.",
    Verb.DELIVER: "Written down as arrived.",
    Verb.VOID: "Made void.",
    Verb.RELEASE: "Released.",
    Verb.REISSUE: "The month is billed again, by this bill.",
    Verb.REASSIGN: "Reassigned.",
}
NOT_DONE = {verb: f"Nothing was {word}." for verb, word in PARTICIPLES.items()}
_SAYS_ALL = frozenset({State.APPROVED, State.REJECTED, State.VOID, State.SENDING})


async def _form_page(context: HttpContext, bill_id: int, verb: Verb, form: Form) -> Response:
    """The form, for the bill as it is now.

    Whoever was refused because it changed is told so by the form, which is for the new version.
    """
    seen = _version(form.typed) if form.typed is not None and not form.trouble else None
    try:
        version = None if form.is_refused else seen
        facts, question = await question_of(
            context.session, context, bill_id, verb, version, Medium.WEB
        )
    except (WrongState, NotAllowed) as refused:
        shown = _too_late(context, verb, await details_of(context, bill_id), form, refused)
        shown.status_code = status_of(refused)
        return shown
    return page(
        context.request,
        "decision.html.jinja",
        form=form,
        bill=facts,
        verb=verb,
        version=seen or facts.version,
        title=short_title(facts),
        question=question,
    )


def _too_late(
    context: HttpContext, verb: Verb, facts: BillDetails, form: Form, refused: Refusal
) -> Response:
    """Who did what meanwhile, that it is not done therefore, and what was typed, which nobody has
    to type again.
    """
    typed = {name: text for name, text in (form.typed or {}).items() if name in _WORDS and text}
    return page(
        context.request,
        "too_late.html.jinja",
        bill=facts,
        title=short_title(facts),
        trouble=f"{form.trouble} {NOT_DONE[verb]}"
        if form.trouble
        else refusal_text(refused, Medium.WEB),
        stands=where_it_stands(facts),
        typed=typed,
    )


_WORDS = (DecisionField.REASON, DecisionField.COMMENT)


def _version(typed: Mapping[str, str]) -> int:
    return _hidden(typed.get("version", ""))


def _hidden(number: str) -> int:
    """What our own form carries."""
    if not re.fullmatch(r"[1-9]\d{0,17}", number, re.ASCII):
        raise Invalid("That form is out of date. Open the bill again.")
    return int(number)


def _given(typed: Mapping[str, str]) -> Given:
    code, action_id = typed.get(DecisionField.REASON_CODE), typed.get(DecisionField.ACTION_ID)
    user_id = typed.get(DecisionField.USER_ID)
    return Given(
        version=_version(typed),
        reason=typed.get(DecisionField.REASON, ""),
        reason_code=RejectReason(code) if code in set(RejectReason) else None,
        comment=typed.get(DecisionField.COMMENT) or None,
        action_id=_hidden(action_id) if action_id else None,
        user_id=_hidden(user_id) if user_id else None,
        units=read_units(typed.get(DecisionField.UNITS, ""), DecisionField.UNITS),
    )


async def _done(context: HttpContext, bill_id: int, verb: Verb, made: int | None) -> Response:
    """On to the bill, or to the one that stands in its place, with what came of it."""
    shown = made if verb is Verb.REISSUE and made else bill_id
    facts = await details_of(context, shown)
    if verb is Verb.SEND:
        told = text(one_sent_text(facts), context.services.billing.zone)
        return see(context.request, f"/bills/{shown}", told)
    told = DONE[verb] if facts.status in _SAYS_ALL else f"{DONE[verb]} {where_it_stands(facts)}"
    if verb is Verb.VOID and made:
        told = f"{told} Its credit is #{made}: it goes to the customer once you send it."
    return see(context.request, f"/bills/{shown}", told)


Route = Callable[..., Awaitable[Response]]


def _asked(verb: Verb, decision: DecisionRoute) -> Route:
    async def asked(context: Asking, bill_id: PathId, version: str = "") -> Response:
        form = Form({"version": version} if version else None)
        return await _form_page(context, bill_id, verb, form)

    return open_to(decision.permission)(asked)


def _decided(verb: Verb, decision: DecisionRoute) -> Route:
    async def decided(context: Asking, bill_id: PathId, typed: Typed) -> Response:
        async def again(context: HttpContext, form: Form) -> Response:
            return await _form_page(context, bill_id, verb, form)

        fields = {part.value: "" for part in (*decision.needs, *decision.may_have)}
        async with shown_again(context, {**fields, **typed}, again):
            made = await decide(context, bill_id, verb, _given(typed))
        return await _done(context, bill_id, verb, made)

    return open_to(decision.permission)(decided)


for _verb, _decision in DECISIONS.items():
    router.get(f"/bills/{{bill_id}}/{_verb.value}")(_asked(_verb, _decision))
    router.post(f"/bills/{{bill_id}}/{_verb.value}")(_decided(_verb, _decision))
