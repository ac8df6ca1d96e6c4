"""Composition objects: what blocks and elements are made of."""

from __future__ import annotations

import re

from .grammar import Flag, Items, Record, String, Variant

YES_NO = Flag()
ID = String(least=1, most=255)
LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
WEB = re.compile(r"https?://\S+")
STYLE = String(among=("primary", "danger"))
URL = String(most=3000, shape=LINK)
WEB_URL = String(most=3000, shape=WEB)


def words(most: int | None = None, least: int = 1) -> String:
    """A bare string that people read."""
    return String(least=least, most=most, shown=True)


def _plain(most: int) -> Record:
    return Record(need={"text": words(most)}, may={"emoji": YES_NO})


def _mrkdwn(most: int) -> Record:
    return Record(
        need={"text": String(least=1, most=most, shown=True, mrkdwn=True)},
        may={"verbatim": YES_NO},
    )


def plain(most: int) -> Variant:
    """A text object that has to be plain_text."""
    return Variant({"plain_text": _plain(most)})


def text(most: int = 3000) -> Variant:
    """A text object of either kind."""
    return Variant({"plain_text": _plain(most), "mrkdwn": _mrkdwn(most)})


CONFIRM = Record(
    need={"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    may={"style": STYLE},
)

_OPTION_VALUE = String(most=150)
MENU_OPTION = Record(
    need={"text": plain(75), "value": _OPTION_VALUE}, may={"description": plain(75)}
)
CHOICE_OPTION = Record(
    need={"text": text(75), "value": _OPTION_VALUE}, may={"description": text(75)}
)
OVERFLOW_OPTION = Record(
    need={"text": plain(75), "value": _OPTION_VALUE}, may={"description": plain(75), "url": URL}
)
OPTION_GROUP = Record(need={"label": plain(75), "options": Items(MENU_OPTION, least=1, most=100)})

CONVERSATION_FILTER = Record(
    may={
        "include": Items(String(among=("im", "mpim", "private", "public")), least=1),
        "exclude_external_shared_channels": YES_NO,
        "exclude_bot_users": YES_NO,
    },
    some=(("include", "exclude_external_shared_channels", "exclude_bot_users"),),
)
DISPATCH = Record(
    may={
        "trigger_actions_on": Items(
            String(among=("on_enter_pressed", "on_character_entered")), least=1, most=2
        )
    }
)
SLACK_FILE = Record(
    may={"id": String(least=1), "url": WEB_URL}, some=(("id", "url"),), exclusive=(("id", "url"),)
)
WORKFLOW = Record(
    need={
        "trigger": Record(
            need={"url": WEB_URL},
            may={
                "customizable_input_parameters": Items(
                    Record(need={"name": String(least=1), "value": String()})
                )
            },
        )
    }
)
FEEDBACK_BUTTON = Record(
    need={"text": plain(75), "value": String(most=2000)},
    may={"accessibility_label": words(75)},
)

_ICON_NAMES = """
archive book bookmark bot bug calendar call caret-left caret-right check clipboard code comment
compass copy cube download edit email eye-closed eye-open file flag folder gear globe heart help
image info key lightbulb link map mobile new-window pin plus refine refresh rocket save screen
share sparkle star star-filled tag thumbs-down thumbs-up trash upload user warning
"""
SLACK_ICON = Variant({"icon": Record(need={"name": String(among=tuple(_ICON_NAMES.split()))})})
URL_SOURCE = Variant({"url": Record(need={"url": String(least=1, most=3000), "text": words()})})
