"""What must be true of what webhooks are promised."""

from collections.abc import Iterable, Iterator

from tests.lives.ledger import Ledger, Row

EVENT_OF = {
    "generate": "bill.generated",
    "reissue": "bill.reissued",
    "hold": "bill.held",
    "release": "bill.released",
    "auto_approve": "bill.approved",
    "reject": "bill.rejected",
    "comment": "bill.commented",
    "comment_edit": "bill.comment_edited",
    "comment_delete": "bill.comment_deleted",
    "undo": "bill.undone",
    "revise": "bill.revised",
    "invalidate": "bill.invalidated",
    "send": "bill.sending",
    "issue": "bill.issued",
    "deliver": "bill.sent",
    "send_failed": "bill.send_failed",
    "bounce": "bill.bounced",
    "void": "bill.voided",
    "reassign": "bill.reassigned",
    "remind": "bill.reminded",
    "escalate": "bill.escalated",
}
"""An approval is the one verb that is two events."""


def check_deliveries(ledger: Ledger) -> None:
    """Each action is promised once to every webhook that asked for its event, and to no other; a
    worker is on its way.
    """
    told = [
        (action_id, webhook.id, bill_id, event)
        for bill_id, actions in ledger.actions.items()
        for action_id, event in _events(actions)
        for webhook in ledger.webhooks
        if event in webhook.events
    ]
    promised = [(d.action_id, d.webhook_id, d.bill_id, d.event) for d in ledger.webhook_deliveries]
    assert sorted(promised) == sorted(told)
    on_their_way = {job.lock for job in ledger.procrastinate_jobs if job.status == "todo"}
    assert {f"webhook:{one.webhook_id}" for one in ledger.webhook_deliveries} <= on_their_way


def _events(actions: Iterable[Row]) -> Iterator[tuple[int, str]]:
    """Of one bill: an approval counts once the bill is another version by it."""
    version = 0
    for action in actions:
        if action.action == "approve":
            suffices = action.bill_version > version
            yield action.id, "bill.approved" if suffices else "bill.partly_approved"
        else:
            yield action.id, EVENT_OF[action.action]
        version = action.bill_version
