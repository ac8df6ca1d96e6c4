"""Forms: what was typed, and what is shown again where it is refused.

    @router.post("/customers/new")
    @open_to(Permission.KEEP_BOOKS)
    async def create(context: Asking, typed: Typed) -> Response:
        async with shown_again(context, typed, new_customer_page):
            customer = await create_customer(context.session, ..., name=typed["name"])
        return see(context.request, f"/customers/{customer.id}", "The customer is there.")

`new_customer_page(context, form)` draws the form, for `GET` with `Form()`. Where a refusal is
raised inside `shown_again`, all of the transaction is rolled back, and the same function draws the
form in a new one, with what was typed and the refusal beside its field.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request, Response

from handlers.http.errors import status_of
from handlers.http.gate import AnsweredLater, HttpContext
from handlers.http.once import FIELD
from handlers.http.refused import follow_refusal
from handlers.wording.formatting import clean
from handlers.wording.refusals import Medium, refusal_text
from models.errors import Invalid, InvalidFields, Refusal


@dataclass(frozen=True)
class Form:
    """What was typed, by field, and what is wrong: in a field, or `trouble` of all of it.

    `typed` None: nothing was yet.
    """

    typed: Mapping[str, str] | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""

    @property
    def is_refused(self) -> bool:
        return bool(self.errors or self.trouble)

    def value(self, name: str, default: str = "") -> str:
        return default if self.typed is None else self.typed.get(name, "")

    def ticked(self, name: str, default: bool = False) -> bool:
        return default if self.typed is None else name in self.typed

    def error(self, name: str) -> str:
        return self.errors.get(name, "")


Draw = Callable[[HttpContext, Form], Awaitable[Response]]


def refused_form(typed: Mapping[str, str], refused: Refusal) -> Form:
    """The same form, with each refusal beside its field if that is one of the form's."""
    told = refusal_text(refused, Medium.WEB)
    if isinstance(refused, InvalidFields):
        faults = {field: clean(told) for field, told in refused.faults.items()}
    else:
        faults = {(refused.field or "") if isinstance(refused, Invalid) else "": told}
    beside = {name: text for name, text in faults.items() if name in typed}
    return Form(typed, beside, " ".join(faults[name] for name in faults if name not in beside))


async def _typed(request: Request) -> dict[str, str]:
    """Every field by its name but the form's own key; of several of one name the last, no files."""
    fields = await request.form()
    return {
        name: value for name, value in fields.items() if isinstance(value, str) and name != FIELD
    }


Typed = Annotated[dict[str, str], Depends(_typed)]


@asynccontextmanager
async def shown_again(
    context: HttpContext, typed: Mapping[str, str], draw: Draw
) -> AsyncIterator[None]:
    """Where something inside is refused, answer with the form drawn again."""
    try:
        yield
    except Refusal as refused:
        form = refused_form(typed, refused)
        status, request, source = status_of(refused), context.request, context.source
        refusal = refused

        async def drawn(context: HttpContext) -> Response:
            answer = await draw(context, form)
            answer.status_code = status
            return answer

        async def follow() -> None:
            await follow_refusal(request, refusal, source)

        raise AnsweredLater(follow, drawn) from refused
