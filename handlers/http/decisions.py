"""Decisions on a bill as a browser or a script asks for them: what each takes, and what does it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from handlers.http.gate import HttpContext
from handlers.http.refused import Deciding
from models.actions.approve import approve_bill, reject_bill
from models.actions.comment import add_comment
from models.actions.hold import release_bill
from models.actions.reassign import reassign_bill
from models.actions.revise import revise_bill
from models.actions.send import confirm_arrival, send_bill
from models.actions.undo import undo_decision
from models.actions.void import reissue_bill, void_bill
from models.bills.states import TRANSITIONS, RejectReason, Verb
from models.errors import Invalid
from models.people.permissions import Permission


class DecisionField(StrEnum):
    """What goes with a decision, besides the version that whoever decides has seen."""

    REASON = "reason"
    REASON_CODE = "reason_code"
    COMMENT = "comment"
    UNITS = "units"
    ACTION_ID = "action_id"
    USER_ID = "user_id"


@dataclass(frozen=True, kw_only=True)
class Given:
    """What came with a decision. `units`: the calls to bill, instead of those that usage and terms
    give; `action_id`: the decision to undo, instead of the one that is theirs to undo; `user_id`:
    who is to decide.
    """

    version: int
    reason: str = ""
    reason_code: RejectReason | None = None
    comment: str | None = None
    units: int | None = None
    action_id: int | None = None
    user_id: int | None = None


Decide = Callable[[HttpContext, int, Given], Awaitable[int | None]]


@dataclass(frozen=True, kw_only=True)
class DecisionRoute:
    """`needs` and `may_have` besides the version; `do` returns the id of a bill that it made."""

    do: Decide
    permission: Permission
    needs: tuple[DecisionField, ...] = ()
    may_have: tuple[DecisionField, ...] = ()


async def decide(context: HttpContext, bill_id: int, verb: Verb, given: Given) -> int | None:
    """Do it; returns the id of the bill that it made: a credit, or the month's next bill.

    Where it is refused the bill is put right, see `handlers.http.refused`.
    """
    context.request.state.deciding = Deciding(bill_id, given.version)
    return await DECISIONS[verb].do(context, bill_id, given)


async def _approve(context: HttpContext, bill_id: int, given: Given) -> None:
    await approve_bill(context.session, bill_id, given.version, context, given.comment)


async def _reject(context: HttpContext, bill_id: int, given: Given) -> None:
    if given.reason_code is None:
        raise Invalid("Choose what is wrong.", DecisionField.REASON_CODE)
    await reject_bill(
        context.session, bill_id, given.version, context, given.reason_code, given.reason
    )


async def _undo(context: HttpContext, bill_id: int, given: Given) -> None:
    await undo_decision(
        context.session, bill_id, given.version, context, given.reason, given.action_id
    )


async def _revise(context: HttpContext, bill_id: int, given: Given) -> None:
    await revise_bill(context.session, bill_id, given.version, context, given.reason, given.units)


async def _send(context: HttpContext, bill_id: int, given: Given) -> None:
    await send_bill(context.session, bill_id, given.version, context, given.comment)


async def _deliver(context: HttpContext, bill_id: int, given: Given) -> None:
    await confirm_arrival(context.session, bill_id, given.version, context, given.reason)


async def _void(context: HttpContext, bill_id: int, given: Given) -> int | None:
    made = await void_bill(context.session, bill_id, given.version, context, given.reason)
    return made.credit_id


async def _release(context: HttpContext, bill_id: int, given: Given) -> None:
    words = given.reason or given.comment
    await release_bill(context.session, bill_id, given.version, context, words)


async def _reissue(context: HttpContext, bill_id: int, given: Given) -> int:
    return await reissue_bill(context.session, bill_id, given.version, context, given.reason)


async def _reassign(context: HttpContext, bill_id: int, given: Given) -> None:
    await reassign_bill(
        context.session, bill_id, given.version, context, given.user_id, given.comment
    )


def _decision(
    verb: Verb, do: Decide, needs: tuple[DecisionField, ...] = (), *may_have: DecisionField
) -> DecisionRoute:
    permission = TRANSITIONS[verb].permission
    assert permission is not None
    return DecisionRoute(do=do, permission=permission, needs=needs, may_have=may_have)


_WHY = (DecisionField.REASON,)

DECISIONS: dict[Verb, DecisionRoute] = {
    Verb.APPROVE: _decision(Verb.APPROVE, _approve, (), DecisionField.COMMENT),
    Verb.REJECT: _decision(Verb.REJECT, _reject, (DecisionField.REASON_CODE, DecisionField.REASON)),
    Verb.UNDO: _decision(Verb.UNDO, _undo, _WHY, DecisionField.ACTION_ID),
    Verb.REVISE: _decision(Verb.REVISE, _revise, _WHY, DecisionField.UNITS),
    Verb.SEND: _decision(Verb.SEND, _send, (), DecisionField.COMMENT),
    Verb.DELIVER: _decision(Verb.DELIVER, _deliver, _WHY),
    Verb.VOID: _decision(Verb.VOID, _void, _WHY),
    Verb.RELEASE: _decision(
        Verb.RELEASE, _release, (), DecisionField.REASON, DecisionField.COMMENT
    ),
    Verb.REISSUE: _decision(Verb.REISSUE, _reissue, _WHY),
    Verb.REASSIGN: _decision(
        Verb.REASSIGN, _reassign, (DecisionField.USER_ID,), DecisionField.COMMENT
    ),
}
"""Each takes the version that was seen. A release needs its reason only where the cause of the hold
still stands; a comment is one there, too.
"""


async def comment(context: HttpContext, bill_id: int, text: str) -> int:
    """Add a comment, which takes no version, since it changes nothing; returns its id."""
    return (await add_comment(context.session, bill_id, context, text)).id
