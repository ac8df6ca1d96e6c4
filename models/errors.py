"""What the models refuse. A refusal is an answer to a person, not an accident."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from models.named_people import WhoCan


class Step(StrEnum):
    """What could be done instead, where it is no verb on a bill."""

    SEE_BILLS = "see bills"
    SEE_CUSTOMERS = "see customers"
    ADD_CUSTOMER = "add customer"
    SEE_THROUGH = "see through"
    RECORD_USAGE = "record usage"
    USAGE_THEN_REISSUE = "record usage, then reissue"
    USAGE_THEN_REVISE = "record usage, then revise"
    IMPORT_BILLING_EMAIL = "import billing e-mail"
    MEND_ADDRESSES = "mend addresses"
    MEND_SIGNS = "mend signs"
    IMPORT_PRICE = "import price"
    SET_MAIL_SERVER = "set mail server"
    MIGRATE = "migrate"
    EXPORT_ACTIONS = "export actions"
    ADD_FINANCE = "add Finance"
    REPLACE_ACCOUNT = "replace account"
    MERGE_CUSTOMERS = "merge customers"
    SIGN_IN_FROM_SLACK = "sign in from Slack"
    ASK_FOR_LINK = "ask for link"


@dataclass(frozen=True)
class NextStep:
    """What could be done first or instead: a verb on a bill, as `bills.states` has it, or a Step.

    `role`: whose it is, where whoever is refused may not, and of them `who` can.
    """

    verb: str
    bill_id: int | None = None
    role: str | None = None
    who: WhoCan | None = None


@dataclass(frozen=True)
class EarlierAction:
    """What was done to a bill `at` some time before `now`, which is why it is refused now.

    `by` None: Countersign did it. `is_own`: whoever is refused did it themselves. `cause`: why it
    came by itself, as `bills.states` has it.
    """

    verb: str
    by: str | None
    role: str | None
    is_own: bool
    at: datetime
    now: datetime
    cause: str | None = None


class Refusal(Exception):
    """That cannot be done."""

    def __init__(
        self,
        sentence: str | None = None,
        next_steps: Sequence[NextStep] = (),
        earlier: EarlierAction | None = None,
    ) -> None:
        """`sentence` says what is refused; without one, the class's own does.

        Each medium says in its own words what came `earlier`, and which of `next_steps` could be
        done instead.
        """
        super().__init__(sentence or " ".join((type(self).__doc__ or "").split()))
        self.next_steps = tuple(next_steps)
        self.earlier = earlier

    @property
    def sentence(self) -> str:
        return str(self)


class NotAllowed(Refusal):
    """You may not do that."""

    def __init__(
        self,
        sentence: str | None = None,
        earlier: EarlierAction | None = None,
        who_can: WhoCan | None = None,
    ) -> None:
        """`who_can` instead, as far as somebody can."""
        super().__init__(sentence, earlier=earlier)
        self.who_can = who_can


class NotFound(Refusal):
    """There is nothing of that name."""


class Invalid(Refusal):
    """That is not something Countersign can read."""

    def __init__(
        self,
        sentence: str | None = None,
        field: str | None = None,
        next_steps: Sequence[NextStep] = (),
    ) -> None:
        """`field` names the input at fault, so that a dialog can show the sentence beside it."""
        super().__init__(sentence, next_steps)
        self.field = field


class InvalidFields(Invalid):
    """Some of that cannot be kept as it is."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        """`faults`: a sentence for each field at fault."""
        self.faults = dict(faults)
        field, sentence = next(iter(self.faults.items()))
        super().__init__(sentence, field)


class Faults:
    """Several inputs looked at before any of them is refused.

    `noted` holds back the refusal of one, and `refuse` raises all there were: one as it was,
    several as `InvalidFields`, the first of a field.
    """

    def __init__(self) -> None:
        self._refused: list[Invalid] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        try:
            yield
        except Invalid as refused:
            self._refused.append(refused)

    def refuse(self) -> None:
        if len(self._refused) == 1:
            raise self._refused[0]
        if self._refused:
            raise InvalidFields(self._by_field())

    def _by_field(self) -> dict[str, str]:
        told: dict[str, str] = {}
        for one in self._refused:
            told = (one.faults if isinstance(one, InvalidFields) else _fault(one)) | told
        return told


def _fault(refused: Invalid) -> dict[str, str]:
    return {refused.field or "": refused.sentence}


class Unreadable(Invalid):
    """What was typed cannot be read with certainty."""

    def __init__(self, typed: str, reason: str, field: str | None = None) -> None:
        """`reason` goes on from what was typed: says what it is, and how to write it."""
        super().__init__(f"“{typed}” {reason}.", field)
        self.reason = reason


class WrongState(Refusal):
    """The bill's state does not allow that."""


class Stale(WrongState):
    """This bill changed while you were looking; nothing was done."""


class FiguresChanged(Stale):
    """The figures of this bill changed while you were looking; nothing was done."""

    def __init__(self, changes: dict[str, tuple[Any, Any]], currency: str) -> None:
        """`changes` maps a figure of the bill to what it was and what it is now, as a snapshot
        has them: money as text, in `currency`.
        """
        super().__init__()
        self.changes = changes
        self.currency = currency


class Ambiguous(NotFound):
    """Several customers, or people, have a name like that."""

    def __init__(
        self, sentence: str, choices: list[str], typed: str | None = None, *, is_guess: bool = False
    ) -> None:
        """`choices` are full names, nearest first, for what was `typed`. `is_guess`: nobody's name
        is or begins like that, and they are only spelt like it.
        """
        super().__init__(sentence)
        self.is_guess = is_guess
        self.choices = choices
        self.typed = typed


class NoCustomer(Ambiguous):
    """No customer has that name, though some may have one like it."""


class Busy(Refusal):
    """Somebody else is importing or changing the same things. Nothing was done; try again."""


class TooSlow(Busy):
    """The database took too long for that. Nothing was done; try again when less is going on."""


class Collision(Busy):
    """Somebody else did the same just now. Nothing was done: see how things stand and try again."""


class TooOften(Refusal):
    """That was tried too often."""

    def __init__(self, wait: timedelta) -> None:
        """`wait`: how long until it can be tried again."""
        minutes = max(1, math.ceil(wait / timedelta(minutes=1)))
        after = "a minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(f"That was tried too often. Try again in {after}.")
        self.wait = wait


class DatabaseNotReady(Refusal):
    """The database cannot be worked with as it is."""
