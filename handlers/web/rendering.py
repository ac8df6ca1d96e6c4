"""Pages drawn from templates, in which everything that people typed is escaped.

Every template has, beside what its page gives it: `reader`, who is signed in, or None; `places`,
where the header leads; `notice`, told once; the filters `told` (a sentence of `handlers.wording`),
`moment`, `day`, `until_when`, `money`, `unit_price`, `number`, `person`, `name`, `clean`,
`with_code` and `ago`;
and the functions `static_url`, `state_word` and `once`, which stands in every form that does
something.
"""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from handlers.http.once import FIELD, new_form_key
from handlers.http.services import services_of
from handlers.web import markup
from handlers.web.navigation import places_of
from handlers.web.notices import forget_notice, notice_for
from handlers.web.static_files import static_url
from handlers.wording import formatting
from handlers.wording.labels import STATE_WORDS
from handlers.wording.rich_text import Sentence
from models.dates import until_when

_TEMPLATES = Path(__file__).parent / "templates"
"""Each is read once: a program that runs while files are put in place draws what fits its code."""
_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_TEMPLATES),
    auto_reload=False,
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@jinja2.pass_context
def _told(context: jinja2.runtime.Context, parts: Sentence | str) -> Markup:
    return markup.html(parts, _zone(context))


@jinja2.pass_context
def _moment(context: jinja2.runtime.Context, at: datetime) -> Markup:
    return markup.moment(at, _zone(context))


def _zone(context: jinja2.runtime.Context) -> ZoneInfo:
    zone: ZoneInfo = context["zone"]
    return zone


_environment.filters |= {
    "told": _told,
    "moment": _moment,
    "day": formatting.day,
    "until_when": until_when,
    "money": formatting.amount_or,
    "number": formatting.number,
    "person": formatting.person,
    "writer": formatting.writer,
    "name": formatting.name,
    "unit_price": formatting.unit_price,
    "clean": formatting.clean,
    "with_code": markup.with_code,
    "ago": formatting.ago,
}


def _once() -> Markup:
    """What lets a form be done once, however often it comes."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, new_form_key())


_environment.globals |= {
    "static_url": static_url,
    "state_word": STATE_WORDS.__getitem__,
    "once": _once,
}


def page(request: Request, template: str, status_code: int = 200, **facts: Any) -> HTMLResponse:
    """The page that `template` draws of these facts, for whoever asks."""
    reader = getattr(request.state, "reader", None)
    notice = notice_for(request)
    given = {
        "reader": reader,
        "places": places_of(reader),
        "path": request.url.path,
        "zone": services_of(request).billing.zone,
        "notice": notice,
        "live": None,
    }
    drawn = _environment.get_template(template).render(given | facts)
    answer = HTMLResponse(drawn, status_code=status_code)
    if notice is not None:
        forget_notice(answer)
    return answer
