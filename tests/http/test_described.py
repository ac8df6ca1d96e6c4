"""What the API says of itself is so, whatever it is asked."""

from models.db.database import Database
from tests.fuzz.asking import add_company, ask
from tests.harness.browser_side import BrowserSide
from tests.harness.cast import People

QUICK = ("--phases", "fuzzing", "--max-examples", "3", "--seed", "1")


async def test_whatever_is_asked_is_answered_as_described(
    served: BrowserSide, people: People, db: Database
) -> None:
    """In short; `python -m tests.fuzz` asks for as long as one likes."""
    await add_company(db, people)
    status, said = await ask(served, people, *QUICK)
    assert status == 0, said
