"""What people ask for and what jobs look through, at companies of several sizes.

    python -m benchmarks.size [--customers 1000 50000 1000000] [--months 12] [--repeat 5]
        [--folder DIR] [--only WORD]

What somebody types, clicks or opens has the transaction of a waiting person, whose statements end
after two seconds; what the worker does has not. Through the same functions as in the program, short
of Slack; each is rolled back. Of every size the median and the longest, in ms; `grows` tells how
many times as long the largest company takes as the smallest. With `--folder` the companies are
kept: a million customers with seven million bills take ten minutes to make, and 15 GB. What they
lack is told by `benchmarks.company`.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.company import company
from bot.worker.message_content import content_of
from handlers.slack.app import CLICKS, COMMANDS
from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.home import home_view
from handlers.slack.context import RequestContext, Services
from handlers.slack.request import Click, Request, SlashCommand
from handlers.slack.usage import show as show_usage
from models.actions.absence import end_absences
from models.actions.reroute import reroute_open_bills
from models.batches.bill_run_preview import preview_run
from models.batches.upkeep import upkeep_step
from models.context import Context, Source, system_context
from models.db.database import Database, do_put_off
from models.errors import Ambiguous, Refusal
from models.outbox.delivery import next_due, stale_cards
from models.outbox.digests import digests_of
from models.outbox.homes import HomePlace
from models.outbox.messages import Message, MessageKind, defer_all_posts
from models.outbox.recovery import (
    defer_due_issues,
    defer_lost_redraws,
    defer_lost_runs,
    has_lost_messages,
)
from models.people.users import User
from models.period import Period
from models.queries.bill_loader import load_bill_details
from models.queries.home import load_home
from models.settings import BillingSettings

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
ENOUGH_S = 5.0
"""What takes long is not repeated."""

Do = Callable[[AsyncSession], Awaitable[object]]


class _Back(Exception):
    """So that nothing is committed."""


@dataclass(frozen=True)
class Step:
    name: str
    do: Do
    is_job: bool = False


@dataclass(frozen=True)
class Scene:
    """Somebody of each role, and what commands and clicks name."""

    services: Services
    people: dict[str, User]
    named: dict[str, Any]

    def types(self, who: str, line: str) -> Step:
        """A slash command."""
        command, _, text = line.format(**self.named).partition(" ")
        word, _, rest = text.partition(" ")
        known = COMMANDS[command].get(word)
        body = {"command": f"/{command}", "text": text, "user_id": "U", "team_id": "T0"}

        async def do(session: AsyncSession) -> object:
            context = self._context(who, session, SlashCommand(body), f"/{command}", text)
            return await (known(context, rest) if known else show_usage(context, text))

        return Step(f"{who}: /{line}", do)

    def clicks(self, who: str, action: ActionId, **carried: Any) -> Step:
        """A button that carries that."""
        clicked = {"action_id": action, "value": pack(**carried)}
        place = {"channel_id": "C0", "message_ts": "1.0"}
        body = {"user": {"id": "U"}, "actions": [clicked], "container": place}

        async def do(session: AsyncSession) -> object:
            return await CLICKS[action](self._context(who, session, Click(body)))

        return Step(f"{who}: {action}", do)

    def _context(
        self, who: str, session: AsyncSession, request: Request, command: str = "", text: str = ""
    ) -> RequestContext:
        return RequestContext(
            user=self.people[who],
            now=NOW,
            source=Source.SLACK,
            settings=self.services.billing,
            services=self.services,
            session=session,
            request=request,
            command=command,
            text=text,
        )

    def opens_home(self, who: str) -> Step:
        async def do(session: AsyncSession) -> object:
            user = self.people[who]
            return home_view(await load_home(session, user, HomePlace(), NOW, ZoneInfo("UTC")))

        return Step(f"{who}: Home", do)


def asked(scene: Scene) -> list[Step]:
    """Whatever somebody types, clicks or opens."""
    bill = {"bill": scene.named["pending"], "version": 1}
    finance = (
        *("bill generate", "bill generate 2026-10 {name}"),
        *(
            "bill list",
            "bill list held",
            "bill list pending",
            "bill list approved",
            "bill list sent",
        ),
        *("bill list 2026-09", "bill list 2026-03", "bill list sent 2026-03", "bill list void"),
        *("bill list {name}", "bill show #{pending}", "bill show {name} 2026-09"),
        *("bill history #{pending}", "bill send 2026-09", "bill send #{approved}"),
        *("bill revise #{pending}", "bill void #{sent}", "bill release #{held}"),
        *("usage {name}", "usage {start}", "usage {wrong}", "usage {letters}", "bill list {wrong}"),
    )
    return [
        *(scene.types("finance", line) for line in finance),
        *(scene.types("csm", line) for line in ("bill list mine", "bill list pending mine")),
        scene.types("sales", "bill list mine"),
        scene.types("manager", "bill list mine"),
        scene.types("csm", "bill away until 2026-12-24 csm 2"),
        scene.types("csm", "bill back"),
        *(scene.opens_home(who) for who in scene.people),
        scene.clicks("csm", ActionId.APPROVE, **bill),
        scene.clicks("csm", ActionId.REJECT, **bill),
        scene.clicks("finance", ActionId.GENERATE, period="2026-10"),
        scene.clicks("finance", ActionId.HISTORY, bill=scene.named["pending"]),
        scene.clicks("finance", ActionId.SEND, bill=scene.named["approved"], version=1),
        scene.clicks("finance", ActionId.SHARE_USAGE, customer=1, first="2026-01", last="2026-10"),
        Step("worker: cards of one bill read", _cards_of(scene.named["pending"])),
        Step("worker: next message", lambda s: next_due(s, f"user:{scene.people['csm'].id}")),
    ]


def _cards_of(bill_id: int) -> Do:
    async def do(session: AsyncSession) -> object:
        await digests_of(session, [bill_id])
        await stale_cards(session, [bill_id])
        return await load_bill_details(session, [bill_id])

    return do


def jobs(scene: Scene) -> list[Step]:
    """What the worker looks through by itself, and what it works out for others."""

    def by_clock(do: Callable[[AsyncSession, Context], Awaitable[object]]) -> Do:
        async def done(session: AsyncSession) -> object:
            return await do(session, await system_context(session, NOW, Source.CLOCK))

        return done

    looks = {
        "sweep: lost messages": has_lost_messages,
        "sweep: lost cards": lambda s: defer_lost_redraws(s, 0, 5000),
        "sweep: lost runs": defer_lost_runs,
        "sweep: due sends": lambda s: defer_due_issues(s, NOW),
        "sweep: recipients": defer_all_posts,
        "tend: absences": by_clock(end_absences),
        "tend: customers, a step": by_clock(lambda s, act: upkeep_step(s, act, 0)),
        "reroute": by_clock(reroute_open_bills),
        "preview of a month": lambda s: preview_run(s, Period(2026, 10)),
        "a digest": _digest,
    }
    return [Step(name, do, is_job=True) for name, do in looks.items()]


async def _digest(session: AsyncSession) -> object:
    query = sa.select(Message).where(Message.kind == MessageKind.DIGEST).order_by(Message.id.desc())
    digest = (await session.scalars(query.limit(1))).one()
    return await content_of(session, digest)


_ONE_OF = """
select b.id from bills b join customers c on c.id = b.customer_id
where b.status = '{}' and not c.require_sales_approval order by b.id limit 1"""


async def scene_of(db: Database) -> Scene:
    async with db.long_transaction() as session:
        named = {
            status: await session.scalar(sa.text(_ONE_OF.format(status)))
            for status in ("pending", "approved", "held", "sent")
        }
        query = (
            "select name from customers where id = (select customer_id from bills where id = :id)"
        )
        name = str(await session.scalar(sa.text(query), {"id": named["pending"]}))
        named |= {
            "name": name,
            "start": name[:-2],
            "wrong": f"{name[:4]}x{name[5:]}",
            "letters": "e",
        }
        csm = sa.text("select csm_id from customers where name = :name")
        people = {"csm": await session.get_one(User, await session.scalar(csm, {"name": name}))}
        for who, called in (("finance", "Finance"), ("manager", "Manager"), ("sales", "sales 1")):
            people[who] = (await session.scalars(sa.select(User).where(User.name == called))).one()
    services: dict[str, Any] = {"slack": None, "team_id": "T0", "bot_user_id": "B0"}
    services |= {
        "db": db,
        "now": lambda: NOW,
        "zone": ZoneInfo("UTC"),
        "billing": BillingSettings(),
    }
    return Scene(Services(**services), people, named)


async def times(db: Database, step: Step, repeat: int) -> list[float] | str:
    """Seconds of each time; or what came instead of an end."""
    seconds: list[float] = []
    opened = db.long_transaction if step.is_job else db.transaction
    while len(seconds) < repeat and sum(seconds) < ENOUGH_S:
        began = time.perf_counter()
        try:
            with suppress(_Back):
                async with opened() as session:
                    await step.do(session)
                    await do_put_off(session)
                    raise _Back
        except DBAPIError as error:
            return type(error.orig).__name__
        except Refusal as refused:
            if not isinstance(refused, Ambiguous):
                sys.stderr.write(f"    {step.name} was refused: {refused.sentence}\n")
        seconds.append(time.perf_counter() - began)
    return seconds


async def measured(url: str, repeat: int, only: str) -> dict[str, list[float] | str]:
    db = Database(url)
    scene = await scene_of(db)
    steps = [one for one in (*asked(scene), *jobs(scene)) if only in one.name]
    found = {}
    for step in steps:
        found[step.name] = await times(db, step, repeat)
        sys.stderr.write(f"  {step.name:<48} {_told(found[step.name])}\n")
    await db.close()
    return found


def _told(seconds: list[float] | str) -> str:
    if isinstance(seconds, str):
        return f"{seconds:>20}"
    return f"{median(seconds) * 1000:9.1f} {max(seconds) * 1000:9.1f} "


def _growth(first: list[float] | str, last: list[float] | str) -> str:
    both = isinstance(first, list) and isinstance(last, list)
    return f"x{median(last) / median(first):.1f}" if both else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=[1_000, 50_000])
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", default="", help="what the names of the steps contain")
    options = parser.parse_args()
    by_size = []
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        for customers in options.customers:
            sys.stderr.write(f"{customers:,} customers\n")
            place = (options.folder or Path(folder)) / f"{customers}"
            with company(place, customers, options.months) as url:
                by_size.append(asyncio.run(measured(url, options.repeat, options.only)))
    heads = "".join(f"{customers:>20,}" for customers in options.customers)
    lines = [f"{'ms: median, longest':<50}{heads}   grows"]
    for name, first in by_size[0].items():
        told = "".join(_told(found[name]) for found in by_size)
        lines.append(f"{name:<50}{told}   {_growth(first, by_size[-1][name])}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
