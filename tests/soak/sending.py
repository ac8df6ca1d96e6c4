"""Part of `make soak`: a month's bills are mailed by a bot that is killed at random moments."""

import argparse
import asyncio
import hashlib
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from models.audit.verify import verify
from models.batches.bill_run import run_step, start_bill_run
from models.batches.bulk_send import start_send
from models.batches.send_preview import preview_send
from models.context import Context, Source
from models.db.database import Database
from models.people.permissions import Role
from models.people.users import User
from models.period import Period
from models.settings import BillingSettings
from sandbox.__main__ import bot_manifest
from sandbox.fake_slack.app import serve
from tests.harness.watched_slack import WatchedSandbox
from tests.soak.__main__ import databases, say
from tests.soak.company import FINANCE
from tests.soak.process import Bot, BotDied, bot_process

PATIENCE_S = 120.0
"""So long nothing may arrive."""

LETTERS_AT_ONCE = 10
"""A kill falls between the server's yes and its record in no more than go out at once."""

BILLING = BillingSettings(send_delay_minutes=0, most_at_once=100_000)
MAIL = {"MAIL_FROM": "Billing <billing@meridian.example>", "SEND_DELAY_MINUTES": "0"}

_FURNISH = sa.text("""
with made as (
    insert into customers (name, monthly_api_limit, overage_unit_cost, billing_email,
        auto_approve_below)
    select 'Customer ' || n, 1000, 0.2, 'pay@c' || n || '.example', 1000
    from generate_series(1, :bills) as n returning id)
insert into usages (customer_id, year, month, api_usage)
select id, :year, :month, 1500 from made
""")


@dataclass
class Sent:
    """What arrived, and what is wrong with it. `letters` by Message-ID: what each of them is."""

    letters: defaultdict[str, list[tuple[str, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    violations: list[str] = field(default_factory=list)
    kills: int = 0
    seconds: float = 0.0

    @property
    def arrived(self) -> int:
        return sum(map(len, self.letters.values()))

    @property
    def doubled(self) -> int:
        return self.arrived - len(self.letters)

    def take(self, message: EmailMessage) -> None:
        [document] = message.iter_attachments()
        content = document.get_payload(decode=True)
        assert isinstance(content, bytes)
        what = (str(message["To"]), hashlib.sha256(content).hexdigest())
        self.letters[str(message["Message-ID"])].append(what)


async def send_month(database_url: str, bills: int, kills: Sequence[int]) -> Sent:
    """All bills of a month, sent together, by a bot that is killed once so many letters have
    arrived, each time, and started again at once. The database is migrated and empty.
    """
    db, sent = Database(database_url), Sent()
    try:
        await begin_sending(db, bills)
        users = [{"id": FINANCE, "name": "finance"}]
        slack = WatchedSandbox(
            workspace={"users": users}, manifest=bot_manifest(), rate_limits=False
        )
        async with (
            serve(slack),
            bot_process(slack, database_url, SMTP_URL=slack.smtp.url, **MAIL) as bot,
        ):
            began = time.monotonic()
            await _play(db, slack, bot, sent, kills)
            sent.seconds = time.monotonic() - began
            sent.violations += await audit(db, sent, bills)
            sent.violations += _about_progress(slack, bills)
        return sent
    finally:
        await db.close()


async def begin_sending(db: Database, bills: int) -> None:
    """All bills of a month are approved, and Finance sends them; the database is empty."""
    now = datetime.now(UTC)
    period = Period.last_closed(now, ZoneInfo("UTC"))
    month = {"year": period.year, "month": period.month}
    async with db.long_transaction() as session:
        finance = User(name="Finance", role=Role.FINANCE, slack_user_id=FINANCE)
        session.add(finance)
        await session.execute(_FURNISH, {"bills": bills, **month})
    act = Context(finance, now, Source.CLI, BILLING)
    async with db.transaction() as session:
        run_id = await start_bill_run(session, period, act, ZoneInfo("UTC"))
    ended = False
    while not ended:
        async with db.long_transaction() as session:
            ended = (await run_step(session, run_id, BILLING, now)).ended
    async with db.long_transaction() as session:
        shown = await preview_send(session, act, period=period)
        assert shown.id is not None and shown.bills == bills
    async with db.transaction() as session:
        await start_send(session, shown.id, act)


async def _play(
    db: Database, slack: WatchedSandbox, bot: Bot, sent: Sent, kills: Sequence[int]
) -> None:
    """Until nothing is to be mailed, and whoever sent it has been told so."""
    left, last, seen = sorted(kills), time.monotonic(), 0
    try:
        while await _has_work(db):
            bot.refuse_death()
            _collect(slack, sent)
            if left and sent.arrived >= left[0]:
                left.pop(0)
                await bot.kill_and_start()
                sent.kills += 1
                say(f"killed after {sent.arrived} letters")
            if sent.arrived > seen:
                last, seen = time.monotonic(), sent.arrived
            if time.monotonic() - last > PATIENCE_S:
                raise TimeoutError(f"after {sent.arrived} letters")
            await asyncio.sleep(0.05)
    except (TimeoutError, BotDied) as error:
        sent.violations.append(f"it never ended: {error!r}")
    _collect(slack, sent)


def _collect(slack: WatchedSandbox, sent: Sent) -> None:
    mails, slack.smtp.mails = slack.smtp.mails, []
    for mail in mails:
        sent.take(mail.message)


async def _has_work(db: Database) -> bool:
    async with db.transaction() as session:
        return bool(await session.scalar(_WORK))


# The cards of a crowd are drawn a second after it, and promise what is told of its list then. What
# is bundled for half a minute is told in good time, and not waited for here.
_WORK = sa.text("""
select exists (select from bills where status <> 'sent') or exists (
    select from procrastinate_jobs
    where status in ('todo', 'doing')
      and task_name in ('send', 'deliver', 'redraw', 'redraw_digest'))
""")


_BILLS = sa.text("""
select b.id, b.status, b.number, d.sha256, c.billing_email as address,
       array_agg(a.action order by a.id) as actions,
       max(a.id) filter (where a.action = 'issue') as issued
from bills b
join customers c on c.id = b.customer_id
left join documents d on d.bill_id = b.id
left join bill_actions a on a.bill_id = b.id
group by b.id, d.sha256, c.billing_email
order by issued
""")


async def audit(db: Database, sent: Sent, bills: int) -> list[str]:
    """Every violation, as a sentence."""
    async with db.reading() as session:
        wrong = [str(one) async for one in verify(session)]
    async with db.long_transaction() as session:
        found = (await session.execute(_BILLS)).all()
    wrong += [
        f"bill {one.id} is {one.status} after {one.actions}"
        for one in found
        if one.status != "sent"
        or Counter(one.actions) != Counter(["generate", "auto_approve", "send", "issue", "deliver"])
    ]
    places = [int(str(one.number).rpartition("-")[2]) for one in found if one.number]
    if places != list(range(1, bills + 1)):
        gaps = [pair for pair in pairwise(places) if pair[1] - pair[0] != 1]
        wrong.append(f"{len(places)} numbers for {bills} bills, and between them {gaps[:5]}")
    return [*wrong, *_about_letters(found, sent)]


def _about_letters(found: Sequence[Any], sent: Sent) -> list[str]:
    """A Message-ID for each bill, and under it the same letter, however often it came."""
    expected = {(one.address, one.sha256) for one in found}
    wrong = [
        f"{name} is {len(set(same))} letters"
        for name, same in sent.letters.items()
        if len(set(same)) != 1
    ]
    arrived = {same[0] for same in sent.letters.values()}
    wrong += [f"{what} never arrived" for what in expected - arrived]
    wrong += [f"{what} was never issued" for what in arrived - expected]
    if len(sent.letters) != len(expected):
        wrong.append(f"{len(sent.letters)} Message-IDs for {len(expected)} bills")
    if sent.doubled > sent.kills * LETTERS_AT_ONCE:
        wrong.append(f"{sent.doubled} letters came twice by {sent.kills} kills")
    return wrong


def _about_progress(slack: WatchedSandbox, bills: int) -> list[str]:
    """One message follows the list to its end."""
    wanted = f"{bills:,} bills are delivered: "
    told = [one["text"] for one in slack.messages(slack.dm(FINANCE))]
    about = [text for text in told if text.startswith(wanted)]
    return [] if about else [f"Finance reads {told[:5]}"]


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.sending", description=__doc__)
    parser.add_argument("--bills", type=int, default=5000, help="so many (5000)")
    parser.add_argument("--kills", type=int, default=10, help="how many (10)")
    parser.add_argument("--seed", type=int, default=0, help="the same kills at the same letters")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    options = arguments(words)
    luck = random.Random(options.seed)
    kills = [luck.randint(0, options.bills - 1) for _ in range(options.kills)]
    say(f"{options.bills} bills are mailed, kills due after {sorted(kills)} letters")
    with databases() as addresses:
        sent = asyncio.run(send_month(next(addresses), options.bills, kills))
    for violation in sent.violations[:20]:
        say(f"  VIOLATION: {violation}")
    say(
        f"{'BROKEN' if sent.violations else 'held'}: {len(sent.letters)} letters of "
        f"{options.bills} bills in {sent.seconds:.0f} s, {sent.kills} kills, seed {options.seed}; "
        f"{sent.doubled} of them came twice; {len(sent.violations)} violations"
    )
    return 1 if sent.violations else 0


if __name__ == "__main__":
    sys.exit(main())
