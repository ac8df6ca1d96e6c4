"""What the models refuse. A refusal is an answer to a person, not an accident."""

from typing import Any


class Refusal(Exception):
    """That cannot be done."""

    def __init__(self, sentence: str | None = None) -> None:
        """`sentence` is shown to the person as it is; without one, the class's own is."""
        super().__init__(sentence or type(self).__doc__)

    @property
    def sentence(self) -> str:
        return str(self)


class NotAllowed(Refusal):
    """You may not do that."""


class NotFound(Refusal):
    """There is nothing of that name."""


class Invalid(Refusal):
    """That is not something Countersign can read."""

    def __init__(self, sentence: str | None = None, field: str | None = None) -> None:
        """`field` names the input at fault, so that a dialog can show the sentence beside it."""
        super().__init__(sentence)
        self.field = field


class WrongState(Refusal):
    """The bill's state does not allow that."""


class Stale(WrongState):
    """This bill changed while you were looking; nothing was done."""


class Changed(Stale):
    """The figures of this bill changed while you were looking; nothing was done."""

    def __init__(self, changes: dict[str, tuple[Any, Any]], currency: str) -> None:
        """`changes` maps a figure of the bill to what it was and what it is now, as a snapshot
        has them: money as text, in `currency`.
        """
        told = [
            f"{words} from {_figure(changes[name][0])} to {_figure(changes[name][1])}"
            for name, words in _FIGURES.items()
            if name in changes
        ]
        super().__init__(
            "This bill changed while you were looking: "
            f"{', '.join(told) or 'it was revised'} ({currency}). Nothing was recorded."
        )
        self.changes = changes
        self.currency = currency


_FIGURES = {
    "api_usage": "usage",
    "monthly_api_limit": "limit",
    "overage_unit_cost": "unit price",
    "overage_amount": "amount",
}


def _figure(value: Any) -> str:
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


class Ambiguous(NotFound):
    """Several customers have a name like that."""

    def __init__(self, sentence: str, choices: list[str]) -> None:
        """`choices` are full names, nearest first."""
        super().__init__(sentence)
        self.choices = choices


class Busy(Refusal):
    """Somebody else is importing or changing the same things. Nothing was done; try again."""


class DatabaseNotReady(Refusal):
    """The database cannot be worked with as it is."""
