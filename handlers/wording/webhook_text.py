"""Webhooks in words."""

from urllib.parse import urlsplit

from models.webhooks.events import TEST, Event
from models.webhooks.webhooks import (
    Attempt,
    DeliveryStatus,
    OffCause,
    Webhook,
    WebhookDelivery,
    WebhookState,
)

EVENT_WORDS: dict[Event, str] = {
    Event.GENERATED: "A bill was made; it waits for approval, or is held.",
    Event.REISSUED: "A bill was made in the place of a void one.",
    Event.HELD: "A cause to hold it appeared.",
    Event.RELEASED: "Finance let a held bill go on.",
    Event.PARTLY_APPROVED: "One of its approvals was given; another is missing.",
    Event.APPROVED: "The last approval was given, or a rule gave it.",
    Event.REJECTED: "An approver rejected it.",
    Event.COMMENTED: "Somebody commented on it.",
    Event.COMMENT_EDITED: "Somebody changed their comment.",
    Event.COMMENT_DELETED: "Somebody deleted their comment.",
    Event.UNDONE: "A decision was taken back.",
    Event.REVISED: "Finance worked it out anew, or set its units.",
    Event.INVALIDATED: "Usage or terms changed, and its figures with them.",
    Event.SENDING: "Finance sent it; it can still be called back.",
    Event.ISSUED: "It has its number and its document.",
    Event.SENT: "The mail server took it.",
    Event.SEND_FAILED: "It could not be delivered.",
    Event.BOUNCED: "A mail server reported that it did not arrive.",
    Event.VOIDED: "It is void.",
    Event.REASSIGNED: "Finance asked somebody else to decide on it.",
    Event.REMINDED: "Whoever is asked was reminded.",
    Event.ESCALATED: "Finance was told that nobody has decided yet.",
}

OFF_CAUSES = {
    OffCause.GONE: "it answered that it is gone",
    OffCause.FAILING: "it has taken nothing for three days",
}

DELIVERY_WORDS = {
    DeliveryStatus.WAITING: ("busy", "Waiting"),
    DeliveryStatus.DELIVERED: ("good", "Delivered"),
    DeliveryStatus.FAILED: ("bad", "Failed"),
}
"""Of each status the tone and the word."""


def host_of(webhook: Webhook) -> str:
    """Whose it is, without what may be secret in its address."""
    return urlsplit(webhook.address).hostname or ""


def webhook_state(webhook: Webhook) -> tuple[str, str]:
    """Its tone and its word."""
    if webhook.state == WebhookState.OFF:
        return "bad", "Off"
    if webhook.state == WebhookState.PAUSED:
        return "off", "Paused"
    return ("wait", "Failing") if webhook.failing_since else ("good", "Active")


def trouble_text(webhook: Webhook) -> str:
    """What is the matter with it, and what to do; empty where nothing is."""
    if webhook.state == WebhookState.OFF:
        why = OFF_CAUSES[OffCause(webhook.off_cause or OffCause.FAILING)]
        return (
            f"Nothing is sent there any more, because {why}. What happens to bills waits for it, "
            "up to thirty days. Resume it once it answers again."
        )
    if webhook.state == WebhookState.PAUSED:
        return "Nothing is sent there while it is paused. What happens to bills waits for it."
    return ""


def events_text(webhook: Webhook) -> str:
    """As in "bill.sent, bill.voided"."""
    return "All events" if len(webhook.events) == len(Event) else ", ".join(webhook.events)


def subject_text(delivery: WebhookDelivery) -> str:
    return "Test" if delivery.event == TEST else f"Bill #{delivery.bill_id}"


def answer_text(attempt: Attempt) -> str:
    """As in "Answered 503", or why there was no answer."""
    if attempt.failure is None:
        return f"It answered {attempt.response_status}."
    return attempt.failure
