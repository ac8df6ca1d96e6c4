"""The rich_text block and what it nests; its depth is fixed by the table."""

from __future__ import annotations

from .grammar import Items, Number, Record, Spec, String, Variant
from .objects import ID, URL, YES_NO, words

_STYLES = "bold italic strike code underline highlight client_highlight unlink"
_STYLE = Record(may=dict.fromkeys(_STYLES.split(), YES_NO))
_COUNT = Number(least=0)


def _inline(may: dict[str, Spec] | None = None, **need: Spec) -> Record:
    return Record(need=need, may={"style": _STYLE, **(may or {})})


_NAME = String(least=1)
INLINE: dict[str, Record] = {
    "text": _inline(text=words()),
    "link": _inline({"text": words(least=0), "unsafe": YES_NO}, url=URL),
    "emoji": _inline(
        {
            "unicode": _NAME,
            "skin_tone": Number(least=1, most=6),
            "url": URL,
            "display_url": URL,
        },
        name=_NAME,
    ),
    "user": _inline(user_id=_NAME),
    "usergroup": _inline(usergroup_id=_NAME),
    "channel": _inline(channel_id=_NAME),
    "team": _inline(team_id=_NAME),
    "broadcast": _inline(range=String(among=("here", "channel", "everyone"))),
    "color": _inline(value=_NAME),
    "date": _inline({"url": URL, "fallback": words()}, timestamp=_COUNT, format=words()),
}
_LINE = Items(Variant(INLINE))
_SECTION = Record(need={"elements": _LINE})
_CODE = Items(Variant({name: INLINE[name] for name in ("text", "link")}))

PARTS: dict[str, Record] = {
    "rich_text_section": _SECTION,
    "rich_text_list": Record(
        need={
            "elements": Items(Variant({"rich_text_section": _SECTION})),
            "style": String(among=("bullet", "ordered")),
        },
        may={"indent": _COUNT, "offset": _COUNT, "border": _COUNT},
    ),
    "rich_text_preformatted": Record(
        need={"elements": _CODE}, may={"border": _COUNT, "language": _NAME}
    ),
    "rich_text_quote": Record(need={"elements": _LINE}, may={"border": _COUNT}),
}
RICH_TEXT = Record(need={"elements": Items(Variant(PARTS), least=1)}, may={"block_id": ID})
RICH_TEXT_ONLY = Variant({"rich_text": RICH_TEXT})
