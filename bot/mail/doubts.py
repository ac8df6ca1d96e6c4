"""Whether a mail server takes nothing of ours, where it did not take single letters."""

from enum import Enum, auto

DOMAINS = 3
"""So many domains in a row, and no letter taken between, are not the customers' doing."""
TRIES = 3
"""So often a letter is tried where nothing else is mailed that would tell."""


class Verdict(Enum):
    """`OPEN`: to be seen when it is tried again. `THIS_ONE`: this letter is not taken. `ALL`: none
    is.
    """

    OPEN = auto()
    THIS_ONE = auto()
    ALL = auto()


class Doubts:
    """Servers refuse a recipient, or hang up over a letter, in the same way whether they take
    nothing of ours or not this one. What they take before and between tells the two apart.
    """

    def __init__(self) -> None:
        self._taken = 0
        self._in_a_row: set[str] = set()
        self._unserved: set[str] = set()
        self._bills: dict[int, tuple[int, int]] = {}

    def taken(self, bill_id: int, domain: str) -> None:
        """The server took that bill's letter, to that domain."""
        self._taken += 1
        self._in_a_row.clear()
        self._unserved.discard(domain)
        self._bills.pop(bill_id, None)

    def not_taken(self, bill_id: int, domain: str) -> Verdict:
        """The server did not take that bill's letter, to that domain, and may take none."""
        taken_before, tries = self._bills.pop(bill_id, (self._taken, 0))
        if self._taken > taken_before:
            self._unserved.add(domain)
        if domain in self._unserved:
            return Verdict.THIS_ONE
        self._in_a_row.add(domain)
        if len(self._in_a_row) < DOMAINS and tries + 1 >= TRIES:
            return Verdict.THIS_ONE
        self._bills[bill_id] = (taken_before, tries + 1)
        return Verdict.ALL if len(self._in_a_row) >= DOMAINS else Verdict.OPEN
