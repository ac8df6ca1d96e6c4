"""`make soak`: kill the bot at random moments of a month end, and count what came of it."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from models.db.embedded import EmbeddedPostgres
from models.db.migrate import migrate
from tests.soak.company import Company
from tests.soak.month import ADOPTED, RESCUED, Blow, Outcome, play

KILLS_A_MONTH = 5
EARLY_S = 0.2
"""The first kill of each month comes within this time of the click."""
MONTHS_IN_VAIN = 3
"""So many months more than needed may pass in which too few of the kills came in time."""


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="how many, over all months (20)")
    parser.add_argument("--bills", type=int, default=2000, help="of one month (2000)")
    parser.add_argument("--approvers", type=int, default=250, help="who sign them off (250)")
    parser.add_argument("--seed", type=int, default=0, help="the same kills at the same moments")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    options = arguments(words)
    with databases() as addresses:
        outcomes = list(_months(options, addresses))
    violations = sum(len(outcome.violations) for outcome in outcomes)
    say(_sum(options, outcomes))
    return 1 if violations else 0


def _months(options: argparse.Namespace, addresses: Iterator[str]) -> Iterator[Outcome]:
    """A month without a kill, which tells how long one takes; then months with kills in them.

    The shortest month so far sets the moments of the next: the machine may be busy.
    """
    company = Company(options.bills, options.approvers)
    luck = random.Random(options.seed)
    calm = _month("undisturbed", company, next(addresses), [])
    yield calm
    whole_s = calm.working_s
    left, months = options.kills, -(-options.kills // KILLS_A_MONTH) + MONTHS_IN_VAIN
    for number in range(1, months + 1):
        if left <= 0 or calm.violations:
            return
        blows = [*_moments(luck, whole_s)][: min(left, KILLS_A_MONTH)]
        outcome = _month(f"month {number}", company, next(addresses), blows)
        left -= len(outcome.exits)
        whole_s = min(whole_s, outcome.working_s)
        yield outcome


def _moments(luck: random.Random, whole_s: float) -> Iterator[Blow]:
    yield Blow(luck.uniform(0, EARLY_S))
    yield from map(Blow, sorted(luck.uniform(0, whole_s) for _ in range(KILLS_A_MONTH - 1)))


def _month(name: str, company: Company, address: str, blows: list[Blow]) -> Outcome:
    at = ", ".join(f"{blow.worked_s:.2f}" for blow in blows)
    say(f"{name}: {company.bills} bills" + (f", kills due after {at} s of work" if at else ""))
    outcome = asyncio.run(play(company, address, blows))
    say(f"{name}: {_figures([outcome])}")
    for violation in outcome.violations:
        say(f"  VIOLATION: {violation}")
    return outcome


def _figures(outcomes: list[Outcome]) -> str:
    stages = sum((outcome.stages for outcome in outcomes), Counter())
    logged = sum((outcome.logged for outcome in outcomes), Counter())
    hits = ", ".join(f"{count} at {stage}" for stage, count in sorted(stages.items())) or "none"
    return (
        f"{sum(outcome.working_s for outcome in outcomes):.1f} s of work in "
        f"{sum(outcome.whole_s for outcome in outcomes):.1f} s; kills: {hits}; "
        f"{logged[RESCUED]} jobs rescued; {logged[ADOPTED]} messages found, not sent again; "
        f"{sum(len(outcome.violations) for outcome in outcomes)} violations"
    )


def _sum(options: argparse.Namespace, outcomes: list[Outcome]) -> str:
    killed = sum(len(outcome.exits) for outcome in outcomes)
    verdict = "held" if not any(outcome.violations for outcome in outcomes) else "BROKEN"
    return (
        f"{verdict}: {len(outcomes)} months of {options.bills} bills for {options.approvers} "
        f"approvers, {killed} kills, seed {options.seed}: {_figures(outcomes)}"
    )


@contextmanager
def databases() -> Iterator[Iterator[str]]:
    """Addresses of new migrated databases, on a server that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="countersign-soak-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "data")
        try:
            yield _new_databases(server)
        finally:
            server.stop()


def _new_databases(server: EmbeddedPostgres) -> Iterator[str]:
    for number in range(1_000_000):
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"create database month_{number}")
        migrate(server.url(f"month_{number}"))
        yield server.url(f"month_{number}")


def say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
