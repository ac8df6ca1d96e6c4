"""What a select offers for the letters that somebody types into it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from handlers.slack.answers import Answer, Json, Options, Responder
from handlers.slack.blocks.customer_choice import CUSTOMER, customer_options
from handlers.slack.context import RequestContext
from handlers.slack.request import Request
from handlers.wording.formatting import clean
from models.customers.search import suggest_customers
from models.errors import Refusal
from models.people.permissions import Permission
from models.people.who_can import require

MOST_OPTIONS = 100


@dataclass(frozen=True)
class Typing(Request):
    """Letters typed into a select. Whoever may not see what it offers is offered nothing."""

    @property
    def block_id(self) -> str:
        return str(self.body.get("block_id") or "")

    @property
    def typed(self) -> str:
        return clean(str(self.body["value"]))

    def refused(self, refusal: Refusal) -> list[Answer]:
        del refusal
        return []

    async def respond(self, slack: Responder, answers: Sequence[Answer]) -> Json:
        del slack
        offered = (answer.options for answer in answers if isinstance(answer, Options))
        return {"options": next(offered, [])}


async def offer(context: RequestContext) -> Options | None:
    """The options of the field in which somebody types; none where it is none of ours."""
    typing = context.request
    if not isinstance(typing, Typing) or typing.block_id not in SUGGESTIONS:
        return None
    return await SUGGESTIONS[typing.block_id](context, typing.typed)


async def _customers(context: RequestContext, typed: str) -> Options:
    await require(context.session, context.user, Permission.SEE)
    found = await suggest_customers(context.session, typed, MOST_OPTIONS)
    return Options(customer_options(found))


SUGGESTIONS: dict[str, Callable[[RequestContext, str], Awaitable[Options]]] = {CUSTOMER: _customers}
