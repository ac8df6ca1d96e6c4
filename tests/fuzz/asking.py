"""A company with bills in every state and webhooks, and schemathesis asking for it."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from models.actions.approve import approve_bill, reject_bill
from models.bills.states import RejectReason
from models.db.database import Database
from models.people.permissions import Role
from models.people.sessions import open_session
from models.people.users import User
from models.webhooks.events import Event
from models.webhooks.keeping import add_webhook, send_test
from tests.harness.billing import MAIL, go_out, void
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People
from tests.harness.scene import OCTOBER, act, bill_for
from tests.harness.sources import asked_source

CONFIG = Path(__file__).parent / "schemathesis.toml"
ROOT = CONFIG.parent.parent.parent
TOKENS, VARIABLE = 100, "FUZZ_TOKENS"
EVERY_STATE, WEBHOOKS = 12, 4


async def add_company(db: Database, people: People) -> None:
    """Twelve customers with a bill each, three of each state that people bring about; webhooks that
    are promised all of it, a source that was asked, and people without a role and switched off.
    """
    async with db.long_transaction() as session:
        session.add_all((User(name="New"), User(name="Off", role=Role.FINANCE, active=False)))
        for _ in range(WEBHOOKS):
            webhook, _ = await add_webhook(session, act(people.ana), "https://8.8.8.8/", [*Event])
            await send_test(session, act(people.ana), webhook.id)
        await asked_source(session, act(people.ana), OCTOBER)
        for number in range(EVERY_STATE):
            bill = await bill_for(
                session, act(people.system), f"Customer {number}", csm_id=people.kim.id, **MAIL
            )
            kim = act(people.kim)
            if number % 4 == 1:
                await reject_bill(session, bill.id, 1, kim, RejectReason.OTHER, "Not so")
            elif number % 4 == 2:
                await void(session, bill, people.ana)
            elif number % 4 == 3:
                await approve_bill(session, bill.id, 1, kim)
                if number > EVERY_STATE // 2:
                    await go_out(session, people, bill)


async def ask(served: BrowserSide, people: People, *options: str) -> tuple[int, str]:
    """What schemathesis makes of the API when Finance asks, and every third time an approver: its
    exit status, and what it says.
    """
    asking_in_turn = (people.ana, people.kim, people.ana)
    async with served.services.db.transaction() as session:
        tokens = [
            await open_session(session, user, served.services.now())
            for _ in range(TOKENS)
            for user in asking_in_turn
        ]
    with tempfile.TemporaryDirectory() as folder:
        asking = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
            *(f"{served.base}/api/openapi.json", "--checks", "all", *options),
            cwd=folder,
            env=os.environ | {VARIABLE: " ".join(tokens), "PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asking.communicate()
    return asking.returncode or 0, said.decode()
