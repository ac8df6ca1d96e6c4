"""How often each verb was tried, done, found nothing to do, and was refused for what."""

from collections import Counter, defaultdict

IDLE = "idle"
COLUMNS = ("done", "nothing", IDLE)
REFUSED = "refused: "


class Tally:
    """Counts over all stories of a run; a verb that never succeeds proves nothing.

    An idle step found no bill that it could be done to, and is not counted as taken.
    """

    def __init__(self) -> None:
        self.stories = 0
        self.outcomes: dict[str, Counter[str]] = defaultdict(Counter)

    def count(self, name: str, outcome: str) -> None:
        self.outcomes[name][outcome] += 1

    def done(self, name: str) -> int:
        return self.outcomes[name]["done"]

    @property
    def taken(self) -> int:
        return sum(counted.total() - counted[IDLE] for counted in self.outcomes.values())

    def table(self) -> str:
        head = f"{'step':18}" + "".join(f"{name:>9}" for name in (*COLUMNS, "refused"))
        lines = [f"{head}  for", *(self._line(name) for name in sorted(self.outcomes))]
        return "\n".join([*lines, f"{self.stories} stories of {self.taken} steps"])

    def _line(self, name: str) -> str:
        counted = self.outcomes[name]
        others = [(n, kind) for kind, n in counted.items() if kind not in COLUMNS]
        refused = sum(n for n, kind in others if kind.startswith(REFUSED))
        told = ", ".join(f"{kind.removeprefix(REFUSED)} {n}" for n, kind in sorted(others)[::-1])
        numbers = [*(counted[column] for column in COLUMNS), refused]
        return f"{name:18}" + "".join(f"{number:9}" for number in numbers) + f"  {told}"
