"""What a decision asks first, of a bill as it is now; refused where it would be refused."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from handlers.wording.formatting import name
from handlers.wording.questions import (
    REMARK,
    Question,
    approve_question,
    ask_by_whose_word,
    ask_to_reassign,
    ask_to_reissue,
    ask_to_reject,
    ask_to_release,
    ask_to_revise,
    ask_to_undo,
    ask_to_void,
    send_question,
)
from handlers.wording.refusals import Medium
from handlers.wording.send_preview_text import delay_text
from models.actions.checks import check
from models.actions.hold import hold_reason_now
from models.actions.loaded_bill import LoadedBill
from models.actions.reassign import who_may_be_asked
from models.actions.undo import GONE
from models.actions.void import hold_reason_again
from models.bills.figures import figures_again, figures_anew
from models.bills.replay import undoable, without
from models.bills.states import State, Verb
from models.context import Context
from models.db.columns import Session
from models.errors import Stale, WrongState
from models.outbox.mail_pause import find_pause
from models.people.users import person_ref
from models.queries.bill_details import BillDetails
from models.queries.bill_loader import load_bill_details


@dataclass(frozen=True)
class Looked:
    """A bill as it is now, twice: to decide on, and to be shown; in which medium it is asked."""

    context: Context
    loaded: LoadedBill
    facts: BillDetails
    medium: Medium


async def question_of(
    session: Session,
    context: Context,
    bill_id: int,
    verb: Verb,
    version: int | None,
    medium: Medium,
) -> tuple[BillDetails, Question]:
    """The bill, and what is asked before `verb` is done to the `version` of it that somebody saw,
    None for the present one.
    """
    loaded = await check(session, bill_id, verb, version, context)
    (facts,) = await load_bill_details(session, [bill_id])
    return facts, await _QUESTIONS[verb](Looked(context, loaded, facts, medium))


async def _approve(looked: Looked) -> Question:
    told = [approve_question(looked.facts)]
    return Question("Approve this bill?", "Approve", ([told],), (REMARK,))


async def _send(looked: Looked) -> Question:
    facts, minutes = looked.facts, looked.context.settings.send_delay_minutes
    told = [[send_question(facts)]]
    if facts.status is State.APPROVED:
        told.append([f"It goes to {name(facts.goes_to or '')}."])
    if not facts.number:
        is_paused = await find_pause(looked.loaded.session) is not None
        told.append([delay_text(minutes, 1, is_paused=is_paused)])
    return Question("Send this bill?", "Send", (told,), (REMARK,))


async def _deliver(looked: Looked) -> Question:
    return ask_by_whose_word(looked.facts)


async def _reject(looked: Looked) -> Question:
    return ask_to_reject(looked.facts)


async def _release(looked: Looked) -> Question:
    cause = await hold_reason_now(looked.loaded, looked.context)
    return ask_to_release(looked.facts, still_stands=cause is not None)


async def _revise(looked: Looked) -> Question:
    anew = await figures_anew(looked.loaded.session, looked.facts.id)
    return ask_to_revise(looked.facts, looked.facts.with_figures(anew))


async def _reissue(looked: Looked) -> Question:
    again = await figures_again(looked.loaded.session, looked.facts.id)
    cause = await hold_reason_again(looked.loaded)
    return ask_to_reissue(looked.facts, looked.facts.with_figures(again), cause)


async def _void(looked: Looked) -> Question:
    return ask_to_void(looked.facts, looked.medium)


async def _reassign(looked: Looked) -> Question:
    able = await who_may_be_asked(looked.loaded, looked.context.today)
    if not able:
        raise WrongState("Nobody else may decide on this bill.")
    return ask_to_reassign(looked.facts, [person_ref(one) for one in able])


async def _undo(looked: Looked) -> Question:
    decision = undoable(looked.loaded.state, looked.context.user)
    entry = next(
        (one for one in looked.facts.decisions if decision and one.id == decision.action_id), None
    )
    if decision is None or entry is None:
        raise Stale(GONE)
    back = without(looked.loaded.state, decision.action_id)
    minutes = looked.context.settings.send_delay_minutes
    return ask_to_undo(looked.facts, entry, minutes if back.status is State.SENDING else None)


_QUESTIONS: dict[Verb, Callable[[Looked], Awaitable[Question]]] = {
    Verb.APPROVE: _approve,
    Verb.REJECT: _reject,
    Verb.RELEASE: _release,
    Verb.SEND: _send,
    Verb.DELIVER: _deliver,
    Verb.REVISE: _revise,
    Verb.REISSUE: _reissue,
    Verb.UNDO: _undo,
    Verb.VOID: _void,
    Verb.REASSIGN: _reassign,
}
