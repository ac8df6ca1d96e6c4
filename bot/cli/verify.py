"""`countersign verify`."""

from bot.cli.output import Exit, opened, progress_bar, run, say, say_json
from bot.settings import DatabaseSettings, read
from handlers.wording.formatting import counted
from models.audit.bill_check import Discrepancy
from models.audit.verify import VerifyProgress, verify
from models.queries.scope import EVERYTHING, find_scope

KEPT = "Not everything was verified, and nothing was changed. Run the same command again."
SHOWN_MISFITS = 1000

_FITS = {0: "every record is as it was written", 1: "1 does not fit"}


def verify_record(what: str | None, as_json: bool) -> None:
    run(_verify(what, as_json), KEPT, done=KEPT)


async def _verify(what: str | None, as_json: bool) -> Exit:
    shown: list[Discrepancy] = []
    discrepancies, seen = 0, VerifyProgress()
    async with opened(read(DatabaseSettings).address()) as db, db.reading() as session:
        meant = await find_scope(session, what) if what else EVERYTHING
        with progress_bar("Verifying") as show:

            def look(now: VerifyProgress) -> None:
                nonlocal seen
                seen = now
                show(now.actions, now.of_actions)

            async for discrepancy in verify(session, meant, look):
                discrepancies += 1
                if not as_json:
                    say(str(discrepancy))
                elif discrepancies <= SHOWN_MISFITS:
                    shown.append(discrepancy)
    if as_json:
        counts = {"bills": seen.bills, "actions": seen.actions, "misfits": discrepancies}
        say_json(counts | {"rows": [vars(discrepancy) for discrepancy in shown]})
    else:
        fits = _FITS.get(discrepancies, f"{discrepancies:,} do not fit")
        bills, actions = counted(seen.bills, "bill"), counted(seen.actions, "action")
        say(f"{bills} with {actions} verified: {fits}.")
    return Exit.REFUSED if discrepancies else Exit.DONE
