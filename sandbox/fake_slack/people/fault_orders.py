"""Takes orders for faults: which faults are in force, and whether rate limits are."""

from sandbox.fake_slack.delivery.sockets import SocketMode
from sandbox.fake_slack.shapes import JsonObject, Refused
from sandbox.fake_slack.world.faults import SOCKET_KINDS, Faults
from sandbox.fake_slack.world.rates import Rates

_ORDERS = frozenset({"clear", "rate_limits", "method", "kind", "envelopes", "mail", "socket"})


class FaultOrders:
    """Sets faults and takes them back."""

    def __init__(self, faults: Faults, rates: Rates, sockets: SocketMode) -> None:
        self._faults = faults
        self._rates = rates
        self._sockets = sockets
        self._rate_limits = rates.enforced

    def clear(self) -> None:
        """Everything works again, and rate limits are as they were at the start."""
        self._faults.clear()
        self._rates.clear()
        self._rates.enforced = self._rate_limits

    async def order(self, spec: JsonObject) -> JsonObject:
        """One or more of: `clear`; `rate_limits`; a fault of a `method`, of `envelopes`, of the
        `mail`, of the `socket`. Raises Refused for one that there is not."""
        if not _ORDERS & set(spec):
            raise Refused("invalid_fault", f"one of {', '.join(sorted(_ORDERS))} is needed")
        if spec.get("clear"):
            self.clear()
        if "rate_limits" in spec:
            self._rates.enforced = bool(spec["rate_limits"])
        if "method" in spec or "kind" in spec:
            self._faults.add_call(spec)
        if "envelopes" in spec:
            self._faults.add_envelopes(spec)
        if "mail" in spec:
            self._faults.add_mail(spec)
        if "socket" in spec:
            await self._disturb_sockets(spec)
        return {"ok": True}

    async def _disturb_sockets(self, spec: JsonObject) -> None:
        kind = str(spec["socket"])
        if kind not in SOCKET_KINDS:
            raise Refused("invalid_fault", f"{kind!r} is none of {', '.join(SOCKET_KINDS)}")
        if kind == "refuse" or "seconds" in spec:
            self._faults.refuse_sockets(spec)
        if kind == "drop":
            self._faults.drop_sockets(spec)
            await self._sockets.drop()
        elif kind != "refuse":
            await self._sockets.disconnect(kind)
