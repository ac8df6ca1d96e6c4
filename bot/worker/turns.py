"""When what is drawn out of courtesy has its turn, so that it leaves room for cards."""

import time


class Turns:
    """One drawing in `gap_s` seconds. Who has to wait keeps their turn until they come back."""

    def __init__(self, gap_s: float) -> None:
        self._gap_s = gap_s
        self._free_at = 0.0
        self._kept: dict[int, float] = {}

    def wait_s(self, message_id: int) -> float:
        """In how many seconds it is this message's turn; 0: now."""
        now = time.monotonic()
        turn = self._kept.pop(message_id, None) or self._take(now)
        if turn > now:
            self._kept[message_id] = turn
        return max(0.0, turn - now)

    def take_if_free(self) -> bool:
        """The turn of now, where nobody has it; of what is shown again soon anyway."""
        now = time.monotonic()
        return self._free_at <= now and self._take(now) <= now

    def _take(self, now: float) -> float:
        turn = max(now, self._free_at)
        self._free_at = turn + self._gap_s
        return turn
