"""What a customer sees by the link in a document: how it came about, and where to ask about it.

Whoever has the link is let in by it alone. So the page knows nobody, asks for no cookie, and says
nothing but what the document says: no comment, nobody's name, no other bill.
"""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from handlers.http.errors import headers_of, status_of
from handlers.http.gate import Access, Caller, Calling, PageRoute, open_to
from handlers.web.charts import days_chart, usage_chart
from handlers.web.forms import Form, Typed, refused_form
from handlers.web.rendering import page
from handlers.wording.document_text import DOCUMENT_KINDS, written_day
from handlers.wording.formatting import name
from handlers.wording.invoice_page import invoice_page
from handlers.wording.number_format import DEFAULT_LOCALE, NumberFormat
from handlers.wording.refusals import Medium, refusal_text
from models.actions.incoming import QUESTION_CHARS, record_question
from models.bills.invoice_data import InvoiceData
from models.bills.usage_links import DeadLink, LinkedBill, linked_bill
from models.context import Context, system_context
from models.db.columns import Session
from models.errors import Refusal, TooOften
from models.people.access_attempts import AttemptKind, count_link_use
from models.usage.days import counted_days

UNKNOWN_TO_OTHERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
"""The address is a secret: no other page, and nobody's search, is told it."""


class LinkRoute(PageRoute):
    """A page of whoever has its address."""

    def refuse_elsewhere(self, request: Request) -> None:
        """Browsers that are told to send no referrer call the origin of its own form "null"; of
        these the old ones say nothing else of where it comes from.
        """
        if request.headers.get("sec-fetch-site") or request.headers.get("origin") != "null":
            super().refuse_elsewhere(request)


router = APIRouter(route_class=LinkRoute)


@router.get("/u/{token}")
@open_to(Access.ANYBODY, own_transactions=True)
async def show(caller: Calling, token: str, asked: str | None = None) -> Response:
    """What is behind the document, in the words and figures of the document."""
    try:
        linked = await _linked(caller, token, AttemptKind.LINK_VISIT)
    except (DeadLink, TooOften) as refused:
        return _nothing_here(caller.request, refused)
    return _draw(caller, linked, Form(), is_asked=asked is not None)


@router.post("/u/{token}")
@open_to(Access.ANYBODY, own_transactions=True)
async def ask(caller: Calling, token: str, typed: Typed) -> Response:
    """Pass a question on to whoever looks after the bill."""
    given = {"question": "", **typed}
    try:
        linked = await _linked(caller, token, AttemptKind.LINK_VISIT)
    except (DeadLink, TooOften) as refused:
        return _nothing_here(caller.request, refused)
    try:
        await _linked(caller, token, AttemptKind.LINK_QUESTION)
        async with caller.transaction() as session:
            context = await _context(caller, session)
            await record_question(session, linked, given["question"], context)
    except Refusal as refused:
        return _draw(caller, linked, refused_form(given, refused), status_of(refused))
    answer = Response(status_code=303, headers={"Location": f"/u/{token}?asked#question"})
    answer.headers.update(UNKNOWN_TO_OTHERS)
    return answer


async def _linked(caller: Caller, token: str, kind: AttemptKind) -> LinkedBill:
    """What the link leads to. The attempt counts whatever becomes of it."""
    client = caller.request.client
    address = client.host if client else ""
    async with caller.transaction() as session:
        await count_link_use(session, kind, token, address, caller.services.now())
    async with caller.transaction() as session:
        return await linked_bill(session, token, await _context(caller, session))


async def _context(caller: Caller, session: Session) -> Context:
    services = caller.services
    return await system_context(session, services.now(), caller.source, services.billing)


def _draw(
    caller: Caller, linked: LinkedBill, form: Form, status: int = 200, *, is_asked: bool = False
) -> Response:
    facts, zone = linked.facts, caller.services.billing.zone
    days = counted_days(facts.period, facts.days, facts.limit_calls)
    last_moment = (linked.expires_at - timedelta(seconds=1)).astimezone(zone)
    return _page(
        caller.request,
        "customer_page.html.jinja",
        status,
        document=invoice_page(facts),
        sender=name(facts.company.name) or "whoever sent you this",
        chart=usage_chart(facts.customer, facts.months),
        days=days_chart(facts.customer, facts.period, days) if days else None,
        later=[_told(one) for one in linked.later],
        last_day=written_day(last_moment.date()),
        form=form,
        longest=QUESTION_CHARS,
        is_asked=is_asked,
    )


def _told(later: InvoiceData) -> str:
    """As in "Credit note CN-2026-000007 of 3 November 2026: $1,000.00"."""
    kind, figures = DOCUMENT_KINDS[later.kind], NumberFormat(later.locale or DEFAULT_LOCALE)
    gross = figures.amount(later.sums.gross, later.currency)
    return f"{kind.noun.capitalize()} {later.number} of {written_day(later.issued_on)}: {gross}"


def _nothing_here(request: Request, refused: Refusal) -> Response:
    """One page for whatever leads nowhere, so that nobody learns whether it ever did."""
    told = refusal_text(refused, Medium.WEB) if isinstance(refused, TooOften) else None
    answer = _page(request, "customer_nothing.html.jinja", status_of(refused), told=told)
    answer.headers.update(headers_of(refused))
    return answer


def _page(request: Request, template: str, status: int, **facts: object) -> Response:
    answer = page(request, template, status, reader=None, places=(), notice=None, **facts)
    answer.headers.update(UNKNOWN_TO_OTHERS)
    return answer
