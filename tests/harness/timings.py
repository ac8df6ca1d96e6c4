"""How fast the bot goes in tests, and for how long others wait for it.

Nothing here is a promise of the product: where one is tested, the test sets what it needs.
"""

import math
from dataclasses import replace

import pytest

from bot.timings import Timings

LONG_ACK_S = 20.0
"""Slack gives an app three seconds: a machine that is busy must not end a test by that."""

BRIEF_S = 20.0
"""The same for what a person waits for in the database, and for the work on a request."""

TICK_S = 1.0
"""How soon what time alone brings about is looked at, where a test waits for that."""

QUICK = Timings(
    pace=0.0,
    settle=0.05,
    progress=0.0,
    courtesy=0.0,
    poll=0.2,
    sweep=1.0,
    back_off_first=0.05,
    back_off_longest=0.2,
    back_off_mending=0.2,
    mail_unheard=(0.5, 0.5),
    mail_pause=0.3,
    mail_turn=5.0,
    mail_late=0.5,
    attempts=4,
    run_attempts=2,
    send_attempts=2,
    tick=math.inf,
    watch=0.1,
    reconnect=0.3,
    hopeless=60.0,
    statement=BRIEF_S,
    lock=BRIEF_S,
    work=BRIEF_S / 2,
    ping=1.0,
    again=0.1,
    ask_again=0.02,
    missed=math.inf,
)
"""Where the clock stands still, nothing comes about by time alone: it is not looked for."""

INTERRUPTED = replace(
    QUICK, settle=0.5, progress=0.2, sweep=0.5, heartbeat=0.2, stalled=2.0, tick=TICK_S
)
"""For a bot that is killed: the next one soon takes it for dead."""


def bundle_after(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Tell of what belongs together once nothing more has come for so long."""
    for place in ("notifications", "digests", "delivery"):
        monkeypatch.setattr(f"models.outbox.{place}.BUNDLING_S", seconds)
    monkeypatch.setattr("models.usage.alerts.BUNDLING_S", seconds)
