"""What every page has around it: header, notices, errors, style, forms that are shown again."""

import gzip
import re
from collections.abc import AsyncIterator

import aiohttp
import jinja2
import pytest
import sqlalchemy as sa
from fastapi import APIRouter, Response

from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.web import app, rendering
from handlers.web.forms import Form, Typed, shown_again
from handlers.web.notices import see
from handlers.web.rendering import page
from models.db.database import Database
from models.errors import Invalid
from models.people.permissions import Permission
from models.people.users import User, rename_person
from tests.harness.browser_side import BrowserSide, browser_side
from tests.harness.cast import People

LARGEST_STYLE = 12_000


async def test_style_and_scripts_are_kept_for_ever_under_their_own_address(
    served: BrowserSide,
) -> None:
    stranger = served.visitor()
    missing = await stranger.get("/no/such/page")
    assert missing.status == 404
    assert "<h1>Nothing here</h1>" in missing.text and "There is no such page." in missing.text
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', missing.text):
        found = await stranger.get(address)
        assert (found.status, "immutable" in found.headers["Cache-Control"]) == (200, True)
    other = re.sub(r"/static/\w+/", "/static/0123456789ab/", address)
    assert (await stranger.get(other)).headers["Cache-Control"] == "no-store"
    assert (await stranger.get("/static/0123456789ab/..%2Frendering.py")).status == 404


async def test_pages_and_style_travel_compressed(served: BrowserSide) -> None:
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        asked = {"Accept-Encoding": "gzip"}
        async with http.get(f"{served.base}/no/such/page", headers=asked) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            html = gzip.decompress(await answer.read()).decode()
        [style] = re.findall(r'"(/static/[^"]+\.css)"', html)
        async with http.get(served.base + style, headers=asked) as answer:
            assert len(await answer.read()) < LARGEST_STYLE


router = APIRouter(route_class=PageRoute)


async def renaming_page(context: HttpContext, form: Form) -> Response:
    called = await context.session.scalar(sa.select(User.name).where(User.role == "Manager"))
    return page(context.request, "renaming.html.jinja", form=form, called=called)


@router.get("/renaming")
@open_to(Permission.SEE)
async def renaming(context: Asking) -> Response:
    return await renaming_page(context, Form())


@router.post("/renaming")
@open_to(Permission.GIVE_ROLES)
async def rename(context: Asking, typed: Typed) -> Response:
    async with shown_again(context, typed, renaming_page):
        await rename_person(context.session, "Max", typed["name"])
        if len(typed["why"]) < 5:
            raise Invalid("Say a little more.", "why")
    return see(context.request, "/renaming", "Max is called something else.")


RENAMING = """
{% extends "base.html.jinja" %}
{% import "macros.html.jinja" as ui %}
{% block title %}Renaming{% endblock %}
{% block content %}
<form method="post" class="form" data-dialog-body>
<h1>{{ called }}</h1>{{ ui.form_error(form) }}{{ ui.field(form, "name", "Name", required=true) }}
{{ ui.text_area(form, "why", "Why", hint="For the record.") }}{{ ui.submit("Rename", "/") }}
</form>
{% endblock %}
"""


@pytest.fixture
async def renaming_side(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BrowserSide]:
    """With a form of its own, as a page has one."""
    templates = jinja2.DictLoader({"renaming.html.jinja": RENAMING})
    loader = jinja2.ChoiceLoader([rendering._environment.loader, templates])
    monkeypatch.setattr(rendering._environment, "loader", loader)
    monkeypatch.setattr(app, "ROUTERS", (*app.ROUTERS, router))
    async with browser_side(db) as side:
        yield side


def test_a_running_program_draws_the_templates_that_it_began_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = {"one.html.jinja": "of this version"}
    monkeypatch.setattr(rendering._environment, "loader", jinja2.DictLoader(texts))

    def drawn() -> str:
        return rendering._environment.get_template("one.html.jinja").render()

    assert drawn() == "of this version"
    texts["one.html.jinja"] = "of the next one"
    assert drawn() == "of this version"


async def test_a_refused_form_keeps_what_was_typed_and_changes_nothing(
    renaming_side: BrowserSide, people: People
) -> None:
    ana = await renaming_side.signed_in(people.ana)
    refused = await ana.post("/renaming", data={"name": "Max <b>Power</b>", "why": "so"})
    assert (refused.status, "<h1>Max</h1>" in refused.text) == (422, True)
    assert 'value="Max &lt;b&gt;Power&lt;/b&gt;"' in refused.text
    assert 'aria-describedby="e-why h-why" aria-invalid="true"' in refused.text
    assert '<p class="error" id="e-why">Say a little more.</p>' in refused.text
    taken = await ana.post("/renaming", data={"name": "Kim", "why": "to be somebody else"})
    assert 'id="e-name">Somebody else is called Kim already.' in taken.text
    done = await ana.post("/renaming", data={"name": "Maxine", "why": "she asked for it"})
    assert (done.status, done.headers["Location"]) == (303, "/renaming")
    shown = await ana.get("/renaming")
    assert "<h1>Maxine</h1>" in shown.text and "Max is called something else." in shown.text


async def test_an_address_that_forms_alone_are_sent_to_leads_to_the_page_above_it(
    served: BrowserSide,
) -> None:
    """A browser shows it after a form was refused, and asks to read it when it is opened again."""
    visitor = served.visitor()
    for path, above in (
        ("/sign-out", "/"),
        ("/welcome/sign-in", "/welcome"),
        ("/account/tokens", "/account"),
        ("/account/devices/3/sign-out", "/account"),
        ("/bills/3/comments/5/delete", "/bills/3/comments/5"),
        ("/month/2026-10/send/7/retry", "/month/2026-10/send/7"),
    ):
        led = await visitor.get(path)
        assert (led.status, led.headers["Location"]) == (303, above)
    assert (await visitor.ask("DELETE", "/account/tokens")).status == 405
    assert (await visitor.get("/api/bills/1/approve")).status == 405


async def test_the_header_leads_to_what_its_reader_may_open(
    renaming_side: BrowserSide, people: People
) -> None:
    places = {}
    for reader in (people.ana, people.kim):
        shown = await (await renaming_side.signed_in(reader)).get("/renaming")
        header = shown.text.partition("</header>")[0]
        places[reader.name] = re.findall(r'<a href="(/\w+)"', header)
    everybody = ["/dashboard", "/month", "/customers"]
    books = ["/import", "/sources", "/people", "/webhooks", "/settings"]
    assert places == {"Ana": [*everybody, *books, "/account"], "Kim": [*everybody, "/account"]}


async def test_a_notice_is_told_once_on_the_page_that_it_is_for(
    served: BrowserSide, people: People
) -> None:
    kim = await served.signed_in(people.kim)
    left = await kim.post("/sign-out")
    assert (left.status, left.headers["Location"]) == (303, "/welcome")
    part = await kim.get("/welcome", headers={"Sec-Fetch-Dest": "empty"})
    other = await kim.get("/no/such/page")
    first, second = [await kim.get("/welcome") for _ in range(2)]
    told = ["You are signed out." in one.text for one in (part, other, first, second)]
    assert told == [False, False, True, False]
