"""One's own comment on a bill: changed, or taken back."""

from fastapi import APIRouter, Response

from handlers.http.gate import Asking, HttpContext, PageRoute, open_to
from handlers.http.ids import PathId
from handlers.web.bills import details_of
from handlers.web.forms import Form, Typed, shown_again
from handlers.web.notices import see
from handlers.web.rendering import page
from handlers.wording.bill_text import short_title
from models.actions.comment import delete_comment, edit_comment, own_comment
from models.people.permissions import Permission

router = APIRouter(route_class=PageRoute)
PATH = "/bills/{bill_id}/comments/{comment_id}"


@router.get(PATH)
@open_to(Permission.COMMENT)
async def ask(context: Asking, bill_id: PathId, comment_id: PathId) -> Response:
    """What it says now, to be changed."""
    return await _form_page(context, bill_id, comment_id, Form())


@router.post(PATH)
@open_to(Permission.COMMENT)
async def edit(context: Asking, bill_id: PathId, comment_id: PathId, typed: Typed) -> Response:
    """Change it; the record keeps what it said before."""

    async def again(context: HttpContext, form: Form) -> Response:
        return await _form_page(context, bill_id, comment_id, form)

    await own_comment(context.session, bill_id, comment_id, context)
    async with shown_again(context, {"comment": "", **typed}, again):
        await edit_comment(context.session, comment_id, context, typed.get("comment", ""))
    return see(context.request, f"/bills/{bill_id}#comments", "Your comment is changed.")


@router.post(f"{PATH}/delete")
@open_to(Permission.COMMENT)
async def delete(context: Asking, bill_id: PathId, comment_id: PathId) -> Response:
    """Take it back; the record keeps what it said."""
    await own_comment(context.session, bill_id, comment_id, context)
    await delete_comment(context.session, comment_id, context)
    return see(context.request, f"/bills/{bill_id}#comments", "Your comment is deleted.")


async def _form_page(context: HttpContext, bill_id: int, comment_id: int, form: Form) -> Response:
    text = await own_comment(context.session, bill_id, comment_id, context)
    facts = await details_of(context, bill_id)
    return page(
        context.request,
        "comment_form.html.jinja",
        form=form,
        address=PATH.format(bill_id=bill_id, comment_id=comment_id),
        bill=facts,
        title=short_title(facts),
        text=text,
    )
