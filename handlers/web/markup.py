"""Sentences of `handlers.wording` as HTML, in which everything that people typed is escaped."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date
from markupsafe import Markup, escape

from handlers.wording.formatting import clean
from handlers.wording.rich_text import Link, Mention, Part, Sentence


def html(parts: Sentence | str, zone: ZoneInfo) -> Markup:
    """A sentence with what stands out in it, and its moments in `zone`."""
    each = [parts] if isinstance(parts, str) else parts
    return Markup("").join(_part(part, zone) for part in each)


def text(parts: Sentence | str, zone: ZoneInfo) -> str:
    """The same in plain words."""
    return html(parts, zone).striptags()


def moment(at: datetime, zone: ZoneInfo) -> Markup:
    """As in "3 Nov 2026, 09:12", which a machine can read too."""
    local = at.astimezone(zone)
    told = f"{format_date(local.date(), 'd MMM yyyy', locale='en')}, {local:%H:%M}"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), told)


def with_code(text: str) -> Markup:
    """Words in which commands and names of fields stand between backticks."""
    escaped = str(escape(clean(text)))
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped))


_TAGS = {"bold": "strong", "code": "code"}


def _part(part: Part, zone: ZoneInfo) -> Markup:
    if isinstance(part, datetime):
        return moment(part, zone)
    if isinstance(part, Mention):
        return escape(part.name or part.slack_user_id)
    if isinstance(part, str):
        return escape(clean(part))
    if isinstance(part, Link):
        return Markup('<a href="{}">{}</a>').format(part.address, clean(part.text))
    tag = Markup(_TAGS[part.style])
    return Markup("<{0}>{1}</{0}>").format(tag, clean(part.text))
