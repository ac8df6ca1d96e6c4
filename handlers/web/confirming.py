"""A form whose consequences are shown before they are kept: what would move, and one button."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Response

from handlers.http.gate import HttpContext
from handlers.web.rendering import page
from handlers.wording import change_text
from handlers.wording.field_text import COUNTS, WHOLE, field_name, field_value
from models.actions.foresee import Change, do_if_agreed
from models.imports.foreseen import Foreseen
from models.period import Period

AGREED = "agreed"
"""The field that names what was seen."""


@dataclass(frozen=True)
class Confirmation:
    """What is asked: `title`, the address that the form goes to, and where *Cancel* leads."""

    title: str
    action: str
    back: str
    label: str


async def confirmed(
    context: HttpContext, typed: Mapping[str, str], question: Confirmation, change: Change
) -> Response | None:
    """Make the change, or ask first where bills would move; None: it is made."""
    foreseen, is_done = await do_if_agreed(context.session, change, typed.get(AGREED))
    return None if is_done else _asked(context, typed, question, foreseen)


def _asked(
    context: HttpContext, typed: Mapping[str, str], question: Confirmation, foreseen: Foreseen
) -> Response:
    kept = {name: value for name, value in typed.items() if name != AGREED}
    return page(
        context.request,
        "confirm.html.jinja",
        question=question,
        typed=kept | {AGREED: foreseen.digest},
        has_changed=AGREED in typed,
        foreseen=foreseen,
        **drawing(),
    )


def drawing() -> dict[str, Any]:
    """What the lists of changes and of bills are drawn with."""
    return {
        "words": change_text,
        "period": Period,
        "field_name": field_name,
        "field_value": field_value,
        "whole": WHOLE,
        "counts": COUNTS,
    }
