"""Things that go wrong on purpose: in Web API calls, in sockets, in envelopes, in the mail."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sandbox.fake_slack.shapes import JsonObject, Refused

CALL_KINDS = ("lost_response", "error", "ratelimited", "cut", "delay")
SOCKET_KINDS = ("drop", "refuse", "refresh_requested", "warning", "link_disabled")
ENVELOPE_KINDS = ("duplicate", "reorder")
MAIL_KINDS = ("reject", "defer", "cut")


@dataclass
class Fault:
    """One thing that goes wrong, and how often it strikes. `times` 0 means until it is cleared."""

    kind: str
    method: str = "*"
    times: int = 1
    after: int = 0
    status: int = 500
    error: str = ""
    effect: bool = False
    retry_after: int = 1
    seconds: float = 0.0
    probability: float = 1.0
    luck: random.Random | None = None

    def strikes(self) -> bool:
        """Counts one occasion; True when the fault happens at it."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.luck is not None and self.luck.random() >= self.probability:
            return False
        self.times -= 1
        return True

    @property
    def spent(self) -> bool:
        return self.times == 0


def fault_from(spec: JsonObject, kind: str, kinds: tuple[str, ...]) -> Fault:
    """Reads a fault; refuses a kind there is not and a probability outside 0..1."""
    if kind not in kinds:
        raise Refused("invalid_fault", f"{kind!r} is none of {', '.join(kinds)}")
    probability = float(spec.get("probability", 1.0))
    if not 0 <= probability <= 1:
        raise Refused("invalid_fault", "probability is from 0 to 1")
    lasting = "seconds" in spec and kind == "refuse"
    times = int(spec.get("times", 0 if probability < 1 or lasting else 1) or 0)
    return Fault(
        kind=kind,
        method=str(spec.get("method", "*")),
        times=times or -1,
        after=int(spec.get("after", 0)),
        status=int(spec.get("status") or 500),
        error=str(spec.get("error", "")),
        effect=bool(spec.get("effect", False)),
        retry_after=int(spec.get("retry_after", 1)),
        seconds=float(spec.get("seconds", 0.0)),
        probability=probability,
        luck=random.Random(spec.get("seed")) if probability < 1 else None,
    )


class Faults:
    """The faults in force."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._calls: list[Fault] = []
        self._envelopes: list[Fault] = []
        self._mail: list[Fault] = []
        self._refusals: list[Fault] = []
        self._drops: list[Fault] = []
        self._refuse_until = 0.0

    def clear(self) -> None:
        for kept in (self._calls, self._envelopes, self._mail, self._refusals, self._drops):
            kept.clear()
        self._refuse_until = 0.0

    def add_call(self, spec: JsonObject) -> None:
        self._calls.append(fault_from(spec, str(spec.get("kind", "error")), CALL_KINDS))

    def add_envelopes(self, spec: JsonObject) -> None:
        self._envelopes.append(fault_from(spec, str(spec["envelopes"]), ENVELOPE_KINDS))

    def add_mail(self, spec: JsonObject) -> None:
        self._mail.append(fault_from(spec, str(spec["mail"]), MAIL_KINDS))

    def refuse_sockets(self, spec: JsonObject) -> None:
        """New connections are turned away: `times` of them, or all for `seconds`."""
        fault = fault_from(spec, "refuse", SOCKET_KINDS)
        if fault.seconds:
            self._refuse_until = self._clock() + fault.seconds
        else:
            self._refusals.append(fault)

    def drop_sockets(self, spec: JsonObject) -> None:
        """Cutting the open connections was the first of `times`; new ones are cut for the rest."""
        again = int(spec.get("times") or 1) - 1
        if again > 0:
            self._drops.append(Fault("drop", times=again))

    def drops_socket(self) -> bool:
        return _first(self._drops, lambda _: True) is not None

    def for_call(self, method: str) -> Fault | None:
        return _first(self._calls, lambda fault: fnmatchcase(method, fault.method))

    def for_envelope(self) -> str:
        fault = _first(self._envelopes, lambda _: True)
        return fault.kind if fault else ""

    def for_mail(self) -> Fault | None:
        return _first(self._mail, lambda _: True)

    def refuses_socket(self) -> bool:
        if self._clock() < self._refuse_until:
            return True
        return _first(self._refusals, lambda _: True) is not None


def _first(faults: list[Fault], fits: Callable[[Fault], bool]) -> Fault | None:
    for fault in faults:
        if fits(fault) and fault.strikes():
            if fault.spent:
                faults.remove(fault)
            return fault
    return None
