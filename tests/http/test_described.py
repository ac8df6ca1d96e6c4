"""What the API says of itself is so, whatever it is asked."""

from handlers.api.app import ROUTERS
from handlers.http.gate import Access, ApiRoute
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


def test_no_answer_with_a_secret_is_kept() -> None:
    """Whatever a POST answers under the name of a secret or a token is told once."""
    told = [
        route
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, ApiRoute) and route.methods == {"POST"} and route.response_model
        if {"secret", "token"} & set(route.response_model.model_fields)
    ]
    assert {route.path for route in told} >= {"/tokens", "/webhooks"}
    assert all(route.holds_secret or route.rule is Access.ANYBODY for route in told)
