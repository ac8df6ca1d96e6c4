"""A webhook, its secrets, and what it is promised."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.db.columns import Base, Id
from models.people.users import User


class WebhookState(StrEnum):
    """`paused` by somebody, `off` by itself: what happens meanwhile waits. `deleted`: for good."""

    ACTIVE = "active"
    PAUSED = "paused"
    OFF = "off"
    DELETED = "deleted"


class OffCause(StrEnum):
    GONE = "gone"
    FAILING = "failing"


class Webhook(Base):
    """An address that is told of `events`.

    `failing_since`: the first attempt after which none was taken. `rests_until`: it takes nothing
    at all, so that it is not asked before.
    """

    __tablename__ = "webhooks"

    id: Mapped[Id]
    address: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    state: Mapped[str] = mapped_column(server_default=WebhookState.ACTIVE)
    off_cause: Mapped[str | None]
    created_by_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey(User.id))
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]


class WebhookSecret(Base):
    """What a webhook's messages are signed with; `expires_at` None: until another takes its place.

    It is kept as it is, since it has to sign, and is read for that alone.
    """

    __tablename__ = "webhook_secrets"

    id: Mapped[Id]
    webhook_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("webhooks.id"))
    secret: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class DeliveryStatus(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(Base):
    """One event promised to one webhook; of a test there is neither action nor bill."""

    __tablename__ = "webhook_deliveries"

    id: Mapped[Id]
    webhook_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("webhooks.id"))
    event: Mapped[str]
    action_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    bill_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    status: Mapped[str] = mapped_column(server_default=DeliveryStatus.WAITING)
    attempts: Mapped[int] = mapped_column(server_default="0")
    first_attempt_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime]
    created_at: Mapped[datetime]

    @property
    def message_id(self) -> str:
        """The same at each attempt and for each webhook, so that doubles can be told."""
        return f"action_{self.action_id}" if self.action_id else f"test_{self.id}"


class Attempt(Base):
    """What came of sending it once: an answer, or why there was none."""

    __tablename__ = "webhook_attempts"

    id: Mapped[Id]
    delivery_id: Mapped[int] = mapped_column(sa.BigInteger, sa.ForeignKey("webhook_deliveries.id"))
    attempted_at: Mapped[datetime]
    duration_ms: Mapped[int]
    response_status: Mapped[int | None]
    response: Mapped[str | None]
    failure: Mapped[str | None]
