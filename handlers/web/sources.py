"""Sources of usage: the list, one with what it was asked, and what is done with it."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.web.forms import Draw, Form, Typed, shown_again
from handlers.web.live import live_sources
from handlers.web.month import Month, read_month
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording import source_text
from handlers.wording.formatting import name
from models.errors import Invalid
from models.people.permissions import Permission
from models.period import Period
from models.queries.sources import find_pull, list_sources, load_pull_notice, source_details
from models.usage.drivers import missing_driver
from models.usage.pull_requests import ask_source
from models.usage.pulls import PullOutcome
from models.usage.source_address import typed_connect_args
from models.usage.sources import (
    NAME_CHARS,
    UsageSource,
    add_source,
    change_source,
    find_source,
    switch_off_source,
    switch_on_source,
)

LOOK = "Look at what it answers before you take it in."

router = APIRouter(route_class=PageRoute)


@router.get("/sources")
@open_to(Permission.KEEP_BOOKS)
async def sources(context: Asking) -> Response:
    """All of them."""
    live = await live_sources(context)
    found = await list_sources(context.session)
    return page(context.request, "sources.html.jinja", live=live, found=found, words=source_text)


# -- adding and changing -------------------------------------------------------------------


async def _form_page(
    context: HttpContext, form: Form, source: UsageSource | None = None
) -> Response:
    arguments = json.dumps(source.connect_args, indent=2) if source and source.connect_args else ""
    return page(
        context.request,
        "source_form.html.jinja",
        form=form,
        source=source,
        arguments=arguments,
        engines=source_text.ADDRESSES,
        longest=NAME_CHARS,
    )


def _asked(typed: Mapping[str, str]) -> dict[str, Any]:
    return {
        "url": typed.get("url", ""),
        "query": typed.get("query", ""),
        "connect_args": typed_connect_args(typed.get("connect_args", "")),
    }


@router.get("/sources/new")
@open_to(Permission.KEEP_BOOKS)
async def new_source(context: Asking) -> Response:
    return await _form_page(context, Form())


@router.post("/sources/new")
@open_to(Permission.KEEP_BOOKS)
async def create(context: Asking, typed: Typed) -> Response:
    async with shown_again(context, typed, _form_page):
        source = await add_source(
            context.session, typed.get("name", ""), context=context, **_asked(typed)
        )
    told = f"{name(source.name)} is there. {missing_driver(source.engine) or LOOK}"
    return see(context.request, f"/sources/{source.id}", told)


@router.get("/sources/{source_id}/edit")
@open_to(Permission.KEEP_BOOKS)
async def edit_source(context: Asking, source_id: PathId) -> Response:
    return await _form_page(context, Form(), await find_source(context.session, source_id))


@router.post("/sources/{source_id}/edit")
@open_to(Permission.KEEP_BOOKS)
async def change(context: Asking, source_id: PathId, typed: Typed) -> Response:
    async def drawn(context: HttpContext, form: Form) -> Response:
        return await _form_page(context, form, await find_source(context.session, source_id))

    async with shown_again(context, typed, drawn):
        source = await change_source(context.session, source_id, context, **_asked(typed))
    told = f"The source is changed. {missing_driver(source.engine) or 'Check what it answers.'}"
    return see(context.request, f"/sources/{source_id}", told)


@router.get("/sources/{source_id}/off")
@open_to(Permission.KEEP_BOOKS)
async def confirm_off(context: Asking, source_id: PathId) -> Response:
    source = await find_source(context.session, source_id)
    return page(context.request, "source_off.html.jinja", source=source)


@router.post("/sources/{source_id}/off")
@open_to(Permission.KEEP_BOOKS)
async def switch_off(context: Asking, source_id: PathId) -> Response:
    async with shown_again(context, {}, _source_again(source_id)):
        await switch_off_source(context.session, source_id, context)
    told = "It is asked no more. What it told before stays."
    return see(context.request, f"/sources/{source_id}", told)


@router.post("/sources/{source_id}/on")
@open_to(Permission.KEEP_BOOKS)
async def switch_on(context: Asking, source_id: PathId) -> Response:
    async with shown_again(context, {}, _source_again(source_id)):
        await switch_on_source(context.session, source_id, context)
    return see(context.request, f"/sources/{source_id}", "It can be asked again.")


# -- asking --------------------------------------------------------------------------------


@router.get("/sources/{source_id}")
@open_to(Permission.KEEP_BOOKS)
async def source(
    context: Asking, source_id: PathId, month: Annotated[str, Query(max_length=50)] = ""
) -> Response:
    """One source, the months to ask it for, another one with them, and what came of asking."""
    typed = {"month": month}
    if not month.strip():
        return await _source_page(context, Form(), source_id)
    try:
        period = Period.parse(month)
        period.refuse_if_ahead(context.today)
    except Invalid as refused:
        form = Form(typed, {"month": refused.sentence})
        answer = await _source_page(context, form, source_id)
        answer.status_code = 422
        return answer
    return await _source_page(context, Form(typed), source_id, period)


async def _source_page(
    context: HttpContext, form: Form, source_id: int, another: Period | None = None
) -> Response:
    live = await live_sources(context)
    facts = await source_details(context.session, source_id, context, another)
    return page(
        context.request,
        "source.html.jinja",
        live=None if form.is_refused else live,
        form=form,
        facts=facts,
        missing=missing_driver(facts.source.engine),
        source=facts.source,
        arguments=json.dumps(facts.source.connect_args),
        words=source_text,
    )


def _source_again(source_id: int) -> Draw:
    async def drawn(context: HttpContext, form: Form) -> Response:
        return await _source_page(context, form, source_id)

    return drawn


@router.post("/sources/{source_id}/months/{month}/check")
@open_to(Permission.KEEP_BOOKS)
async def check(context: Asking, source_id: PathId, month: Month) -> Response:
    """Only look at what would change."""
    return await _ask(context, source_id, read_month(month), is_check=True)


@router.post("/sources/{source_id}/months/{month}/pull")
@open_to(Permission.KEEP_BOOKS)
async def pull(context: Asking, source_id: PathId, month: Month, typed: Typed) -> Response:
    """Take in what it answers; with `anyway` also where that takes much away."""
    return await _ask(context, source_id, read_month(month), anyway="anyway" in typed)


async def _ask(context: HttpContext, source_id: int, period: Period, **how: bool) -> Response:
    async with shown_again(context, {}, _source_again(source_id)):
        await ask_source(context.session, source_id, period, context, **how)
    told = f"It is asked for {period.in_words}. What comes of it appears here."
    return see(context.request, f"/sources/{source_id}", told)


@router.get("/sources/{source_id}/pulls/{pull_id}")
@open_to(Permission.KEEP_BOOKS)
async def one_pull(context: Asking, source_id: PathId, pull_id: PathId) -> Response:
    """One time that it was asked: what it answered, and what became of it."""
    found = await find_pull(context.session, source_id, pull_id)
    facts = await load_pull_notice(context.session, pull_id)
    return page(
        context.request,
        "source_pull.html.jinja",
        source=facts.source,
        pull=found.pull,
        is_waiting=facts.needs_somebody and found.pull.outcome == PullOutcome.HELD,
        by=found.by,
        words=source_text,
    )
