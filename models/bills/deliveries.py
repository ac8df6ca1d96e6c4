"""How far a bill's letter has come: what keeps it, and whom it has not reached."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Missing:
    """An address to which a letter did not go, and why in the mail server's words; `later` where
    it may be taken another time.
    """

    address: str
    answer: str
    later: bool
