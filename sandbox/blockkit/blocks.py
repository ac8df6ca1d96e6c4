"""The table of block types, and the messages' attachments and views that hold them."""

from __future__ import annotations

import re
from dataclasses import replace

from .elements import ACCESSORY, ACTION, BUTTON, FEEDBACK, IMAGE, INPUT
from .grammar import (
    ANYWHERE,
    MESSAGE,
    MODAL,
    Items,
    Nullable,
    Number,
    Record,
    Spec,
    String,
    Surface,
    Variant,
)
from .objects import (
    ID,
    SLACK_ICON,
    URL,
    URL_SOURCE,
    WEB_URL,
    YES_NO,
    plain,
    text,
    words,
)
from .rich_text import RICH_TEXT, RICH_TEXT_ONLY

_NOT_MODAL: frozenset[Surface] = ANYWHERE - MODAL
_BLOCK: dict[str, Spec] = {"block_id": ID}
_ICON = Variant({"image": IMAGE})
_CELL_TEXT = words()
_CELL = Variant(
    {
        "raw_text": Record(need={"text": _CELL_TEXT}),
        "raw_number": Record(need={"value": Number(whole=False), "text": _CELL_TEXT}),
        "rich_text": RICH_TEXT,
    }
)
_ROW = Items(_CELL, least=1, most=20)
_COLUMN = Record(may={"align": String(among=("left", "center", "right")), "is_wrapped": YES_NO})
_TASK: dict[str, Spec] = {
    "task_id": String(least=1),
    "title": words(),
    "status": String(among=("pending", "in_progress", "complete", "error")),
}
_TASK_TOLD: dict[str, Spec] = {
    "details": RICH_TEXT_ONLY,
    "output": RICH_TEXT_ONLY,
    "sources": Items(URL_SOURCE),
}

_MARK = words(20)
_POINT = Record(need={"label": _MARK, "value": Number(whole=False)})
_PLOT = Record(
    need={
        "series": Items(
            Record(need={"name": _MARK, "data": Items(_POINT, least=1, most=20)}), least=1, most=12
        ),
        "axis_config": Record(
            need={"categories": Items(_MARK, least=1, most=20)},
            may={"x_label": words(50), "y_label": words(50)},
        ),
    }
)
_PIE = Record(
    need={
        "segments": Items(
            Record(need={"label": _MARK, "value": Number(whole=False, above=0)}), least=1, most=12
        )
    }
)
_CHART = Variant({"pie": _PIE, "bar": _PLOT, "line": _PLOT, "area": _PLOT})

_SIMPLE: dict[str, Record] = {
    "section": Record(
        may={
            **_BLOCK,
            "text": text(3000),
            "fields": Items(text(2000), least=1, most=10),
            "accessory": ACCESSORY,
            "expand": YES_NO,
        },
        some=(("text", "fields"),),
    ),
    "actions": Record(need={"elements": Items(ACTION, least=1, most=25)}, may=_BLOCK),
    "context": Record(
        need={"elements": Items(Variant({**text().kinds, "image": IMAGE}), least=1, most=10)},
        may=_BLOCK,
    ),
    "divider": Record(may=_BLOCK),
    "header": Record(need={"text": plain(150)}, may=_BLOCK),
    "image": replace(IMAGE, may={**_BLOCK, **IMAGE.may, "title": plain(2000)}),
    "input": Record(
        need={"label": plain(2000), "element": INPUT},
        may={**_BLOCK, "hint": plain(2000), "optional": YES_NO, "dispatch_action": YES_NO},
    ),
    "rich_text": RICH_TEXT,
    "video": Record(
        need={
            "alt_text": words(200),
            "title": plain(200),
            "thumbnail_url": WEB_URL,
            "video_url": WEB_URL,
        },
        may={
            **_BLOCK,
            "author_name": words(50),
            "description": plain(200),
            "provider_icon_url": WEB_URL,
            "provider_name": words(50),
            "title_url": WEB_URL,
        },
    ),
    "file": Record(
        need={"external_id": ID, "source": String(among=("remote",))}, may=_BLOCK, surfaces=MESSAGE
    ),
    "table": Record(
        need={"rows": Items(_ROW, least=1, most=100)},
        may={**_BLOCK, "column_settings": Items(Nullable(_COLUMN), most=20)},
        surfaces=_NOT_MODAL,
    ),
    "card": Record(
        may={
            **_BLOCK,
            "hero_image": _ICON,
            "icon": _ICON,
            "slack_icon": SLACK_ICON,
            "title": text(150),
            "subtitle": text(150),
            "body": text(200),
            "subtext": text(200),
            "actions": Items(Variant({"button": BUTTON}), least=1, most=3),
        },
        some=(("hero_image", "title", "actions", "body"),),
        exclusive=(("icon", "slack_icon"),),
    ),
}

_IN_CONTAINER = (
    "actions",
    "context",
    "divider",
    "file",
    "header",
    "image",
    "input",
    "rich_text",
    "section",
    "table",
    "video",
)

BLOCKS: dict[str, Record] = {
    **_SIMPLE,
    "alert": Record(
        need={"text": text(200)},
        may={
            **_BLOCK,
            "level": String(among=("default", "info", "warning", "error", "success")),
        },
        surfaces=MODAL,
    ),
    "carousel": Record(
        need={"elements": Items(Variant({"card": _SIMPLE["card"]}), least=1, most=10)},
        may=_BLOCK,
        surfaces=_NOT_MODAL,
    ),
    "container": Record(
        need={
            "child_blocks": Items(
                Variant({name: _SIMPLE[name] for name in _IN_CONTAINER}), least=1, most=10
            )
        },
        may={
            **_BLOCK,
            "title": plain(150),
            "rich_text_title": RICH_TEXT_ONLY,
            "subtitle": text(150),
            "width": String(among=("narrow", "standard", "wide", "full")),
            "icon": _ICON,
            "is_collapsible": YES_NO,
            "default_collapsed": YES_NO,
            "has_header_divider": YES_NO,
        },
        some=(("title", "rich_text_title"),),
        surfaces=MESSAGE,
    ),
    "context_actions": Record(
        need={"elements": Items(FEEDBACK, least=1, most=5)}, may=_BLOCK, surfaces=MESSAGE
    ),
    "data_table": Record(
        need={"rows": Items(_ROW, least=2, most=201), "caption": words()},
        may={
            **_BLOCK,
            "page_size": Number(least=1, most=100),
            "row_header_column_index": Number(least=0),
        },
        surfaces=_NOT_MODAL,
    ),
    "data_visualization": Record(
        need={"title": words(50), "chart": _CHART}, may=_BLOCK, surfaces=MESSAGE
    ),
    "markdown": Record(need={"text": words(12_000)}, may=_BLOCK, surfaces=MESSAGE),
    "plan": Record(
        need={"title": words()},
        may={
            **_BLOCK,
            "tasks": Items(
                Record(
                    need=_TASK,
                    may={**_BLOCK, **_TASK_TOLD, "type": String(among=("task_card",))},
                ),
                least=1,
            ),
        },
        surfaces=MESSAGE,
    ),
    "task_card": Record(need=_TASK, may={**_BLOCK, **_TASK_TOLD}, surfaces=MESSAGE),
}
BLOCK = Variant(BLOCKS)

_TEXT_FIELDS = ("fallback", "pretext", "author_name", "title", "text", "footer")
_LINK_FIELDS = ("author_link", "author_icon", "title_link", "image_url", "thumb_url", "footer_icon")
_ATTACHMENT = Record(
    may={
        **{name: words(least=0) for name in _TEXT_FIELDS},
        **dict.fromkeys(_LINK_FIELDS, URL),
        "blocks": Items(BLOCK, most=50),
        "color": String(shape=re.compile(r"#?[0-9A-Fa-f]{6}|good|warning|danger")),
        "fields": Items(
            Record(need={"title": words(least=0), "value": words(least=0)}, may={"short": YES_NO})
        ),
        "mrkdwn_in": Items(String(among=("pretext", "text", "fields"))),
        "ts": Number(whole=False, least=0),
        "id": Number(least=0),
        "callback_id": ID,
    },
    some=(("blocks", "fallback", "pretext", "title", "text", "fields", "image_url"),),
)
MESSAGE_BLOCKS = Items(BLOCK, most=50)
ATTACHMENTS = Items(_ATTACHMENT, most=100, excess="too_many_attachments")

_VIEW_BLOCKS: dict[str, Spec] = {"blocks": Items(BLOCK, least=1, most=100)}
_VIEW: dict[str, Spec] = {
    "private_metadata": String(most=3000),
    "callback_id": String(most=255),
    "external_id": String(most=255),
}
_BAR = plain(24)
VIEW = Variant(
    {
        "modal": Record(
            need={**_VIEW_BLOCKS, "title": _BAR},
            may={
                **_VIEW,
                "close": _BAR,
                "submit": _BAR,
                "clear_on_close": YES_NO,
                "notify_on_close": YES_NO,
                "submit_disabled": YES_NO,
            },
        ),
        "home": Record(need=_VIEW_BLOCKS, may=_VIEW),
    }
)
