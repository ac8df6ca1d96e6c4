"""From a click to the card drawn anew, and what 2,000 open bills are for the person they wait for.

    python -m benchmarks.looking [--open 2000]

A whole sandbox stands in a process of its own, as `make demo` starts it: Slack, the bot, its worker
and PostgreSQL. 25 people get eight cards each and approve them one after the other; each is timed
until the message in Slack has changed, receipt included. The same again next month, while so many
more bills wait for one person alone, who then opens Home, approves what is ticked there, and
approves the digest. Slack's rate limits are off for what is timed click by click, and on for the
digest.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp
import psycopg

from sandbox.fake_slack.shapes import JsonObject

CSMS, EACH = 25, 8
ANA, BIG = "UANA", "UBIG"
PORT, WEB_PORT = 3990, 8990
PATIENCE_S = 600.0

PEOPLE = """
insert into users (name, role, slack_user_id) values
    ('Ana', 'Finance', 'UANA'), ('Big', 'Customer Success', 'UBIG');
insert into users (name, role, slack_user_id)
select 'csm ' || n, 'Customer Success', 'UCSM' || n from generate_series(1, {csms}) n
"""

BILLED = """
with more as (
    insert into customers (name, csm_id, require_csm_approval, monthly_api_limit, overage_unit_cost,
                           start_date)
    select '{kind} ' || n, u.id, true, 1000, 0.001 * n, '2020-01-01'
    from generate_series(1, {count}) n join users u on u.slack_user_id = {whose}
    returning id)
insert into usages (customer_id, year, month, api_usage)
select id, 2026, month, 2000 + id from more, unnest(array{months}) month
"""


@dataclass(frozen=True)
class Room:
    """A sandbox that runs, asked by its control."""

    session: aiohttp.ClientSession
    database_url: str

    async def get(self, path: str) -> Any:
        async with self.session.get(f"http://127.0.0.1:{PORT}/_control/{path}") as answer:
            return await answer.json()

    async def post(self, path: str, **body: Any) -> JsonObject:
        url = f"http://127.0.0.1:{PORT}/_control/{path}"
        async with self.session.post(url, json=body) as answer:
            told: JsonObject = await answer.json()
        if not told.get("ok", True):
            raise SystemExit(f"{path}: {told}")
        return told

    async def messages(self, channel: str) -> list[JsonObject]:
        found: list[JsonObject] = (await self.get(f"messages/{channel}"))["messages"]
        return found

    async def dm(self, user: str) -> str:
        users = (await self.get("state"))["users"]
        return str(next(one["dm"] for one in users if one["id"] == user))

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def count(self, query: str) -> int:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0


@asynccontextmanager
async def sandbox() -> AsyncIterator[Room]:
    """Its people are only ours."""
    ids = [ANA, BIG, *(f"UCSM{number}" for number in range(1, CSMS + 1))]
    people = [
        {"id": one, "name": one.lower(), "real_name": one, "email": f"{one}@x.example"}
        for one in ids
    ]
    channels = [{"id": "CALL", "name": "all", "members": ids}]
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        place = _written(Path(folder, "workspace.json"), {"users": people, "channels": channels})
        options = ("--port", str(PORT), "--web-port", str(WEB_PORT), "--no-browser")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sandbox", "--workspace", str(place), *options),
            stdout=asyncio.subprocess.DEVNULL,
            env=os.environ | {"EMAIL_DRY_RUN": "1"},
        )
        async with aiohttp.ClientSession() as session:
            yield Room(session, await _ready(session))
        process.send_signal(signal.SIGTERM)
        await process.wait()


def _written(place: Path, workspace: JsonObject) -> Path:
    place.write_text(json.dumps(workspace))
    return place


async def _ready(session: aiohttp.ClientSession) -> str:
    url = f"http://127.0.0.1:{PORT}/_control/state"

    async def state() -> str | None:
        try:
            async with session.get(url) as answer:
                return str((await answer.json())["database_url"]) if answer.status == 200 else None
        except aiohttp.ClientError:
            return None

    return str(await until(state))


async def until(look: Callable[[], Any], pause_s: float = 0.2) -> Any:
    """What is looked for, once it is there."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await look()):  # noqa: ASYNC110 - what is looked at is far away
            await asyncio.sleep(pause_s)
    return found


def element(message: JsonObject, action_id: str) -> JsonObject:
    """A button as it is clicked."""
    return next(
        {**one, "block_id": block["block_id"]}
        for block in message["blocks"]
        if block["type"] == "actions"
        for one in block["elements"]
        if one["action_id"] == action_id
    )


async def generate(room: Room, month: str, bills: int) -> None:
    """As Ana does it, until so many wait in Slack."""
    dm = await room.dm(ANA)
    preview = (
        await room.post("command", user=ANA, channel=dm, command="/bill", text=f"generate {month}")
    )["message"]

    async def offered() -> JsonObject | None:
        return next((one for one in reversed(await room.messages(dm)) if _offers(one)), None)

    shown = preview if preview and _offers(preview) else await until(offered)
    await room.post(
        "interact",
        user=ANA,
        channel=dm,
        messageTs=shown["ts"],
        action=element(shown, "run:generate"),
    )
    told = "select count(*) from messages where kind = 'card' and state in ('posted', 'listed')"

    async def all_there() -> bool:
        return room.count(told) >= bills

    await until(all_there)


def _offers(message: JsonObject) -> bool:
    return "run:generate" in json.dumps(message.get("blocks", []))


async def clicked(room: Room) -> list[float]:
    """Seconds from each click to the card that has changed for it."""
    seconds = []
    for number in range(1, CSMS + 1):
        user = f"UCSM{number}"
        dm = await room.dm(user)
        for card in [one for one in await room.messages(dm) if "bill:approve" in json.dumps(one)]:
            began = time.perf_counter()
            await room.post(
                "interact",
                user=user,
                channel=dm,
                messageTs=card["ts"],
                action=element(card, "bill:approve"),
            )

            async def is_redrawn(dm: str = dm, ts: str = card["ts"]) -> bool:
                found = next(one for one in await room.messages(dm) if one["ts"] == ts)
                return "approved by" in found["text"]

            await until(is_redrawn, 0.002)
            seconds.append(time.perf_counter() - began)
    return seconds


def told(name: str, seconds: list[float]) -> str:
    cuts = quantiles(seconds, n=100, method="inclusive")
    p50, p95 = (1000 * cuts[at - 1] for at in (50, 95))
    return f"{name:<52} p50 {p50:6.0f} ms   p95 {p95:6.0f} ms   of {len(seconds)}"


async def timed(work: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    done = await work
    return time.perf_counter() - began, done


async def with_many(room: Room, many: int) -> list[str]:
    """What the person does for whom they wait."""
    opened = [(await timed(room.post("open-home", user=BIG)))[0] for _ in range(20)]
    home = (await room.get(f"views/{BIG}"))["home"]
    boxes = [
        {**one, "block_id": block["block_id"]}
        for block in home["blocks"]
        if block["type"] == "actions"
        for one in block["elements"]
        if one["type"] == "checkboxes"
    ]
    values = {
        one["block_id"]: {one["action_id"]: {"selected_options": one["options"]}} for one in boxes
    }
    approve = element(home, "home:approve")
    await room.post("interact", user=BIG, view_id=home["id"], action=approve, values=values)
    (asked,) = (await room.get(f"views/{BIG}"))["stack"]
    page_s, _ = await timed(room.post("submit", user=BIG, view_id=asked["id"], values={}))
    dm = await room.dm(BIG)
    await room.post("fault", rate_limits=True)

    async def digest() -> JsonObject | None:
        return next(
            (one for one in await room.messages(dm) if "approving:go" in json.dumps(one)), None
        )

    shown = await until(digest)
    began = time.perf_counter()
    click_s, _ = await timed(
        room.post(
            "interact",
            user=BIG,
            channel=dm,
            messageTs=shown["ts"],
            action=element(shown, "approving:go"),
        )
    )

    async def is_over() -> bool:
        return any(one["text"].startswith("Approved ") for one in await room.messages(dm))

    await until(is_over)
    return [
        told(f"Home opened, {many:,} open bills", opened),
        f"{'15 ticked bills approved, to the receipt':<52} {page_s * 1000:10.0f} ms",
        f"{'the digest approved, to the receipt':<52} {click_s * 1000:10.0f} ms",
        f"{'the digest approved, to its outcome told':<52} {time.perf_counter() - began:10.1f} s",
    ]


async def measure(many: int) -> list[str]:
    async with sandbox() as room:
        room.sql(PEOPLE.format(csms=CSMS))
        whose = f"'UCSM' || (1 + n % {CSMS})"
        room.sql(BILLED.format(kind="few", count=CSMS * EACH, whose=whose, months="[9, 10]"))
        await room.post("fault", rate_limits=False)
        await generate(room, "2026-09", CSMS * EACH)
        lines = [told("from click to redrawn card", await clicked(room))]
        room.sql(BILLED.format(kind="many", count=many, whose=f"'{BIG}'", months="[10]"))
        await generate(room, "2026-10", 2 * CSMS * EACH + many)
        lines.append(told(f"the same, {many:,} more open bills", await clicked(room)))
        return lines + await with_many(room, many)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=2000, help="bills that wait for one person")
    sys.stdout.write("\n".join(asyncio.run(measure(parser.parse_args().open))) + "\n")
