"""One bill while its record is read: judged action by action, with nothing kept but what stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from models.bills.history import BillAction
from models.bills.replay import BillState, apply_action
from models.bills.states import TRANSITIONS, Verb

REWRITTEN = "it is not as it was written"
UNLINKED = "it does not follow on the action before it"


@dataclass(frozen=True)
class Discrepancy:
    """Something that is not as it was written.

    `action_id` None: no one action is at fault, but the bill; `bill_id` None: no one bill either,
    but what is told `of`: numbers, or months.
    """

    bill_id: int | None
    action_id: int | None
    what: str
    of: str | None = None

    def __str__(self) -> str:
        if self.bill_id is None:
            return f"{self.of}: {self.what}"
        if self.action_id is None:
            return f"bill {self.bill_id}: {self.what}"
        return f"action {self.action_id} of bill {self.bill_id}: {self.what}"


@dataclass
class BillCheck:
    """What is stored of a bill (its row, chain and document; its approvals), and its record so far.

    Feed it each action, oldest first, then ask for the verdict. Judging stops at the first action
    that is not as it was written or cannot have happened: what comes after it proves nothing.
    """

    bill_id: int
    row: Any
    approvals: frozenset[tuple[str, int, int]] = frozenset()
    count: int = 0
    _last: Any = None
    _first_beyond: int | None = None
    _linked: bool = True
    _possible: bool = True
    _state: BillState | None = None
    _version: int = 0
    _figures: dict[str, Any] = field(default_factory=dict)

    def check_action(self, action: Any) -> Iterator[Discrepancy]:
        """Misfits of this action, a row with what `after` reads, its hashes and `hash_fits`."""
        before, self._last = self._last, action
        self.count += 1
        if self.row.chain_actions is not None and self.count == self.row.chain_actions + 1:
            self._first_beyond = action.id
        broken = _broken_link(before, action)
        if broken:
            self._linked = False
            yield self._discrepancy(broken, action)
        elif self._linked and self._possible:
            for what in self._impossible(action):
                self._possible = False
                yield self._discrepancy(what, action)
        if not broken and _another_document(action, self.row):
            yield self._discrepancy(
                "it is about another document than the one that is kept", action
            )

    def finish(self) -> Iterator[Discrepancy]:
        """Misfits of the whole, once all actions have been heard."""
        if not self.count:
            yield self._discrepancy("it has no record")
        elif self._linked:
            wrong_end = list(self._wrong_end())
            yield from wrong_end
            if not wrong_end and self._possible:
                yield from map(self._discrepancy, self._contradictions())
        yield from map(self._discrepancy, _wrong_document(self.row))

    def _discrepancy(self, what: str, action: Any = None) -> Discrepancy:
        return Discrepancy(self.bill_id, None if action is None else action.id, what)

    def _impossible(self, action: Any) -> Iterator[str]:
        """Why this action cannot have happened to the bill as the record leaves it; at most one."""
        before = self._state
        try:
            verb = Verb(action.action)
            told = apply_action(before, cast(BillAction, action))
        except (ArithmeticError, LookupError, StopIteration, TypeError, ValueError):
            yield "the record tells no possible story from here on"
            return
        found, figures = action.snapshot.get("before"), action.snapshot.get("after")
        moves = before is None or found is not None
        version = self._version + (1 if moves else 0)
        if not _may_start(verb, before):
            stood = f"that is {before.status}" if before else "that is not there yet"
            yield f"{verb} cannot happen to a bill {stood}"
        elif action.bill_version != version:
            yield f"it says version {action.bill_version}, but what it does makes it {version}"
        elif _differing(self._figures, (found if moves else figures) or {}):
            yield "it did not find the bill as the record before it leaves it"
        elif figures and figures["status"] != told.status:
            yield f"it says {figures['status']}, but what it does makes the bill {told.status}"
        self._state, self._version = told, action.bill_version
        self._figures = figures or self._figures

    def _wrong_end(self) -> Iterator[Discrepancy]:
        """Whether the record, sound in itself, ends where its chain does."""
        row, last = self.row, self._last
        if row.chain_actions is None:
            yield self._discrepancy("its chain has been removed")
        elif self.count < row.chain_actions:
            missing, of = row.chain_actions - self.count, row.chain_actions
            yield self._discrepancy(f"the last {missing} of its {of} actions were removed")
        elif self._first_beyond is not None:
            what = "it was added past the end of the record"
            yield Discrepancy(self.bill_id, self._first_beyond, what)
        elif last.hash != row.chain_hash or last.bill_version != row.chain_version:
            yield self._discrepancy("it is not the action that the record ended with", last)

    def _contradictions(self) -> Iterator[str]:
        if self.row.id is None:
            yield "it has been removed"
            return
        assert self._state is not None
        told: dict[str, Any] = self._figures | {
            "status": self._state.status,
            "hold_reason": self._state.hold_reason,
            "version": self._last.bill_version,
        }
        for name in _differing(told, self.row._mapping):
            stored = _shown(self.row._mapping[name])
            yield f"{name} is {stored}, but its record says {_shown(told[name])}"
        if {(a.slot, a.user_id, a.action_id) for a in self._state.approvals} != self.approvals:
            yield "the approvals that stand are not those of its record"


_FIRST = frozenset({Verb.GENERATE, Verb.REISSUE})


def _broken_link(before: Any, action: Any) -> str | None:
    if not action.hash_fits:
        return REWRITTEN
    if action.prev_hash != (before.hash if before is not None else None):
        return UNLINKED
    return None


def _may_start(verb: Verb, state: BillState | None) -> bool:
    return state.status in TRANSITIONS[verb].start if state else verb in _FIRST


def _another_document(action: Any, row: Any) -> bool:
    """Whether a delivery, or another action that names a document, means one that is not kept."""
    facts = action.snapshot.get("facts_sha256")
    if facts is not None and facts != row.facts_sha256:
        return True
    named = action.snapshot.get("sha256")
    if named is None and action.action != Verb.DELIVER:
        return False
    return bool(named != row.document_sha256) or named is None


def _wrong_document(row: Any) -> Iterator[str]:
    if row.id is None:
        return
    if row.number is None and row.document_number is not None:
        yield f"it has the document of {row.document_number}, but no number"
    elif row.number is not None and row.document_number is None:
        yield f"it has the number {row.number}, but no document"
    elif row.number != row.document_number:
        yield f"its number is {row.number}, but its document is that of {row.document_number}"
    if row.document_fits is False:
        yield "its document is not the one whose hash was kept"


def _differing(told: Any, stored: Any) -> list[str]:
    """The names of what both tell, and tell differently."""
    if told == stored:
        return []
    return [name for name in told if name in stored and not _same(stored[name], told[name])]


def _same(stored: Any, told: Any) -> bool:
    """Money is told as text, and 0.10 is 0.1."""
    if stored == told:
        return True
    if isinstance(stored, Decimal | str) and isinstance(told, str):
        try:
            return Decimal(stored) == Decimal(told)
        except ArithmeticError:
            return False
    return False


def _shown(value: Any) -> str:
    return (
        "nothing" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
    )
