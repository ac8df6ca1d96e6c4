"""People who approve bills in Slack while the programs that hear them are killed and frozen."""

import asyncio
import random
from dataclasses import dataclass, field
from signal import SIGKILL, SIGSTOP
from typing import Any

import sqlalchemy as sa

from models.db.database import Database
from models.period import Period
from tests.harness.slack_people import element
from tests.harness.watched_slack import WatchedSandbox
from tests.soak.process import Bot

BLOWS = (SIGKILL, SIGSTOP, SIGKILL)
FROZEN_S = 4.0
"""Longer than Slack waits for a receipt."""
TRIES = 60
PAUSE_S = 0.5
AT_ONCE = 4

_CARDS = sa.text("""
select m.bill_id, m.channel, m.ts, u.id as user_id, u.slack_user_id as slack_id
from messages m join bills b on b.id = m.bill_id join users u on m.recipient = 'user:' || u.id
where m.kind = 'card' and m.state = 'posted' and b.status = 'pending'
  and b.year = :year and b.month = :month and b.customer_id % 2 = 0
order by m.id
""")
_RECORDED = sa.text("""
select count(*) from bill_actions
where bill_id = :bill_id and stakeholder_id = :user_id and action = 'approve'
""")
_WRONG = sa.text("""
select bill_id from bill_actions where action = 'approve'
group by bill_id, stakeholder_id having count(*) > 1
""")


@dataclass
class Clicks:
    """How often was clicked, how often Slack got a receipt, and how many approvals came of it."""

    clicks: int = 0
    receipts: int = 0
    decided: int = 0
    kills: int = 0
    freezes: int = 0
    violations: list[str] = field(default_factory=list)


class Approvers:
    """They click until the record has their word: each has half of a month's cards to approve."""

    def __init__(self, db: Database, slack: WatchedSandbox, replicas: list[Bot], seed: int) -> None:
        self._db = db
        self._slack = slack
        self._replicas = replicas
        self._chance = random.Random(seed)
        self.done = Clicks()

    async def approve(self, period: Period) -> None:
        """All of it, while one replica after the other is struck."""
        month = {"year": period.year, "month": period.month}
        async with self._db.transaction() as session:
            cards = (await session.execute(_CARDS, month)).all()
        few = asyncio.Semaphore(AT_ONCE)
        clicking = [asyncio.create_task(self._click(card, few)) for card in cards]
        await self._strike()
        await asyncio.gather(*clicking)
        self.done.violations += [f"#{one} has one word twice" for one in await self._wrong()]

    async def _strike(self) -> None:
        for blow in BLOWS:
            await asyncio.sleep(self._chance.uniform(0, 1.0))
            replica = self._chance.choice(self._replicas)
            if blow is SIGKILL:
                self.done.kills += 1
                await replica.kill_and_start()
            else:
                self.done.freezes += 1
                await replica.freeze(FROZEN_S)

    async def _click(self, card: Any, few: asyncio.Semaphore) -> None:
        async with few:
            for _ in range(TRIES):
                await self._try(card)
                if await self._is_recorded(card):
                    self.done.decided += 1
                    return
                await asyncio.sleep(PAUSE_S)
        self.done.violations.append(f"#{card.bill_id} was never approved by {card.slack_id}")

    async def _try(self, card: Any) -> None:
        """A click of which Slack got a receipt is on the record: the receipt follows the commit."""
        message = self._slack.workspace.conversations[card.channel].messages[card.ts]
        button = element(message, "bill:approve")
        self.done.clicks += 1
        answer = await self._slack.interact(card.slack_id, card.channel, card.ts, button)
        if answer["ok"]:
            self.done.receipts += 1
            if not await self._is_recorded(card):
                self.done.violations.append(f"#{card.bill_id}: a receipt and no approval")

    async def _is_recorded(self, card: Any) -> bool:
        ids = {"bill_id": card.bill_id, "user_id": card.user_id}
        async with self._db.transaction() as session:
            return bool(await session.scalar(_RECORDED, ids))

    async def _wrong(self) -> list[int]:
        async with self._db.transaction() as session:
            return list(await session.scalars(_WRONG))
