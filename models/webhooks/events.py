"""What webhooks tell of."""

from enum import StrEnum


class Event(StrEnum):
    """What may happen; `bill_event` in `models/sql/webhooks.sql` says which action is which."""

    GENERATED = "bill.generated"
    REISSUED = "bill.reissued"
    HELD = "bill.held"
    RELEASED = "bill.released"
    PARTLY_APPROVED = "bill.partly_approved"
    APPROVED = "bill.approved"
    REJECTED = "bill.rejected"
    COMMENTED = "bill.commented"
    COMMENT_EDITED = "bill.comment_edited"
    COMMENT_DELETED = "bill.comment_deleted"
    UNDONE = "bill.undone"
    REVISED = "bill.revised"
    INVALIDATED = "bill.invalidated"
    SENDING = "bill.sending"
    ISSUED = "bill.issued"
    SENT = "bill.sent"
    SEND_FAILED = "bill.send_failed"
    BOUNCED = "bill.bounced"
    VOIDED = "bill.voided"
    REASSIGNED = "bill.reassigned"
    REMINDED = "bill.reminded"
    ESCALATED = "bill.escalated"


TEST = "webhook.test"
"""Sent when somebody asks for it, to whatever webhook, so that nobody chooses it."""
