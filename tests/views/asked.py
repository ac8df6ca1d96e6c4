"""Slack's dialogs of bills as the samples have them."""

from collections.abc import Sequence

from handlers.slack.blocks.action_ids import ActionId
from handlers.slack.blocks.block_kit import View
from handlers.slack.blocks.dialogs import asking
from handlers.wording.questions import (
    ask_by_whose_word,
    ask_to_reassign,
    ask_to_reissue,
    ask_to_reject,
    ask_to_release,
    ask_to_revise,
    ask_to_undo,
    ask_to_void,
)
from handlers.wording.refusals import Medium
from models.bills.states import HoldReason
from models.named_people import PersonRef
from models.queries.bill_details import BillDetails
from models.queries.history import HistoryEntry


def reject(facts: BillDetails) -> View:
    return asking(ActionId.REJECT, facts, ask_to_reject(facts))


def undo(facts: BillDetails, entry: HistoryEntry, wait_minutes: float | None = None) -> View:
    question = ask_to_undo(facts, entry, wait_minutes)
    return asking(ActionId.UNDO, facts, question)


def release(facts: BillDetails, still_stands: bool = True) -> View:
    return asking(ActionId.RELEASE, facts, ask_to_release(facts, still_stands))


def revise(facts: BillDetails, fresh: BillDetails) -> View:
    return asking(ActionId.REVISE, facts, ask_to_revise(facts, fresh))


def void(facts: BillDetails) -> View:
    return asking(ActionId.VOID, facts, ask_to_void(facts, Medium.SLACK))


def deliver(facts: BillDetails) -> View:
    return asking(ActionId.DELIVER, facts, ask_by_whose_word(facts))


def reissue(facts: BillDetails, fresh: BillDetails, cause: HoldReason | None = None) -> View:
    return asking(ActionId.REISSUE, facts, ask_to_reissue(facts, fresh, cause))


def reassign(facts: BillDetails, able: Sequence[PersonRef]) -> View:
    return asking(ActionId.REASSIGN, facts, ask_to_reassign(facts, able))
