"""One's own tokens for scripts. Only whoever is signed in makes and revokes them, no token does."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from handlers.api.fields import Asked
from handlers.http.csv_files import AS_CSV, csv_list
from handlers.http.gate import Access, ApiRoute, Asking, HttpContext, open_to
from handlers.http.ids import PathId
from models.people.api_tokens import (
    NAME_CHARS,
    api_tokens_of,
    make_api_token,
    revoke_api_token,
)

router = APIRouter(route_class=ApiRoute)


class Token(BaseModel):
    """A token, of which only its name is told."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None


class NewToken(Token):
    """`token` is told this once, and goes into `Authorization: Bearer TOKEN`."""

    token: str


class TokenName(Asked):
    name: Annotated[str, Field(min_length=1, max_length=NAME_CHARS)]


@router.get("/tokens")
@open_to(Access.SIGNED_IN)
async def tokens(context: Asking) -> list[Token]:
    """One's own tokens, by name."""
    return [one async for one in _tokens(context)]


@router.get("/tokens.csv", response_class=StreamingResponse, responses=AS_CSV)
@open_to(Access.SIGNED_IN)
async def tokens_as_csv(context: Asking) -> StreamingResponse:
    """The same as CSV."""
    return await csv_list("tokens", Token, _tokens(context))


async def _tokens(context: HttpContext) -> AsyncIterator[Token]:
    for one in await api_tokens_of(context.session, context.user):
        yield Token.model_validate(one)


@router.post("/tokens", status_code=201)
@open_to(Access.IN_PERSON, holds_secret=True)
async def create(context: Asking, given: TokenName) -> NewToken:
    """Make a token, which may do what oneself may but for what is done in person."""
    made, token = await make_api_token(context.session, context.user, given.name, context.now)
    return NewToken(token=token, **Token.model_validate(made).model_dump())


@router.delete("/tokens/{token_id}", status_code=204)
@open_to(Access.IN_PERSON)
async def revoke(context: Asking, token_id: PathId) -> None:
    """Revoke one of one's own tokens."""
    await revoke_api_token(context.session, context.user, token_id)
