"""A Slack that notices what people see more than once, whatever goes wrong in it."""

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.fake_slack.sandbox import Sandbox
from sandbox.fake_slack.shapes import JsonObject
from tests.harness.slack_people import read


class WatchedSandbox(Sandbox):
    """The sandbox, which remembers when each person has asked something of the bot."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._asked: defaultdict[str, list[str]] = defaultdict(list)
        self._unanswered: Counter[str] = Counter()
        self._at_once: Counter[tuple[str, int]] = Counter()
        self._expected: set[str] = set()

    def expect_twice(self, message_id: str) -> None:
        """A mail that comes twice on purpose: it is one and the same to whoever gets it."""
        self._expected.add(message_id)

    def seen_twice(self) -> list[str]:
        """What was promised once and stands twice, was answered twice, or mailed twice."""
        return [*self._promises(), *self._answers(), *self._mails()]

    def _promises(self) -> Iterator[str]:
        """The key that a message carries is of one promise."""
        for place in self.workspace.conversations.values():
            said = (m for m in place.messages.values() if m["user"] == self.bot_user_id)
            often = Counter(filter(None, map(_promise, said)))
            yield from (f"{place.id} has {one} {n} times" for one, n in often.items() if n > 1)

    def _answers(self) -> Iterator[str]:
        """Somebody reads the same words twice only after asking twice."""
        for place in self.workspace.conversations.values():
            often = Counter(self._answered(message) for message in place.ephemerals.values())
            yield from (
                f"{place.id} tells {user} {n} times: {words}"
                for (user, asked, *_, words), n in often.items()
                if n > max(1, self._at_once[user, asked])
            )

    def _answered(self, message: JsonObject) -> tuple[str, int, str | None, str]:
        """To whom, after how many things they had asked, in which thread, and what."""
        user = message["ephemeral_user"]
        asked = bisect(self._asked[user], message["ts"])
        return user, asked, message.get("thread_ts"), read(message)

    def _mails(self) -> Iterator[str]:
        mails = ((mail["message_id"], *mail["to"]) for mail in self.mail())
        often = Counter(mail for mail in mails if mail[0] not in self._expected)
        yield from (f"{mail} came {n} times" for mail, n in often.items() if n > 1)

    @contextmanager
    def asking(self, user: str) -> Iterator[None]:
        """What comes of this is an answer to what that person asks now."""
        self._asked[user].append(self.workspace.next_ts())
        self._unanswered[user] += 1
        self._at_once[user, len(self._asked[user])] = self._unanswered[user]
        try:
            yield
        finally:
            self._unanswered[user] -= 1

    async def command(self, user: str, *words: Any, **more: Any) -> JsonObject:
        with self.asking(user):
            return await super().command(user, *words, **more)

    async def message(self, user: str, *words: Any, **more: Any) -> JsonObject:
        with self.asking(user):
            return await super().message(user, *words, **more)

    async def edit(self, user: str, *words: Any, **more: Any) -> JsonObject:
        with self.asking(user):
            return await super().edit(user, *words, **more)

    async def interact(self, user: str, *clicked: Any, **more: Any) -> JsonObject:
        with self.asking(user):
            return await super().interact(user, *clicked, **more)

    async def submit(self, user: str, *answers: Any, **more: Any) -> JsonObject:
        with self.asking(user):
            return await super().submit(user, *answers, **more)


def _promise(message: JsonObject) -> str | None:
    key = message.get("metadata", {}).get("event_payload", {}).get("k")
    return str(key) if key else None
