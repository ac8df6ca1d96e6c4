"""The table of block elements, by their `type`, and where each may stand."""

from __future__ import annotations

import re

from .grammar import MODAL, Items, Number, Record, Spec, String, Variant
from .objects import (
    CHOICE_OPTION,
    CONFIRM,
    CONVERSATION_FILTER,
    DISPATCH,
    FEEDBACK_BUTTON,
    ID,
    MENU_OPTION,
    OPTION_GROUP,
    OVERFLOW_OPTION,
    SLACK_FILE,
    STYLE,
    URL,
    WEB_URL,
    WORKFLOW,
    YES_NO,
    plain,
    words,
)
from .rich_text import INLINE, RICH_TEXT

_ACTION: dict[str, Spec] = {"action_id": ID}
_ASKING: dict[str, Spec] = {**_ACTION, "confirm": CONFIRM, "focus_on_load": YES_NO}
_MENU: dict[str, Spec] = {**_ASKING, "placeholder": plain(150)}
_MANY: dict[str, Spec] = {**_MENU, "max_selected_items": Number(least=1)}
_TYPED: dict[str, Spec] = {
    **_ACTION,
    "focus_on_load": YES_NO,
    "placeholder": plain(150),
    "dispatch_action_config": DISPATCH,
}
_OPTIONS: dict[str, Spec] = {
    "options": Items(MENU_OPTION, least=1, most=100),
    "option_groups": Items(OPTION_GROUP, least=1, most=100),
}
_OPTIONS_OR_GROUPS = (("options", "option_groups"),)
_NAME = String(least=1)
_NAMES = Items(_NAME)
_PREFIX = Number(least=0)
_DECIMAL = String(shape=re.compile(r"-?[0-9]+(\.[0-9]+)?"))
_DAY = String(shape=re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"))
_TIME = String(shape=re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]"))
_LABEL: dict[str, Spec] = {"accessibility_label": words(75)}
_PICTURE = ("image_url", "slack_file")

IMAGE = Record(
    need={"alt_text": words(2000)},
    may={"image_url": WEB_URL, "slack_file": SLACK_FILE},
    some=(_PICTURE,),
    exclusive=(_PICTURE,),
)
BUTTON = Record(
    need={"text": plain(75)},
    may={
        **_ACTION,
        **_LABEL,
        "url": URL,
        "value": String(most=2000),
        "style": STYLE,
        "confirm": CONFIRM,
        "agent_prompt": String(least=1, most=4000),
        "agent_prompt_display": words(),
        "visible_to_user_ids": _NAMES,
    },
)
_CHOICES = Items(CHOICE_OPTION, least=1, most=10)

ELEMENTS: dict[str, Record] = {
    "image": IMAGE,
    "button": BUTTON,
    "workflow_button": Record(
        need={"text": plain(75), "workflow": WORKFLOW},
        may={**_ACTION, **_LABEL, "style": STYLE, "confirm": CONFIRM},
    ),
    "icon_button": Record(
        need={"icon": String(among=("trash",)), "text": plain(75)},
        may={
            **_ACTION,
            **_LABEL,
            "value": String(most=2000),
            "confirm": CONFIRM,
            "visible_to_user_ids": Items(_NAME, most=10),
        },
    ),
    "feedback_buttons": Record(
        need={"positive_button": FEEDBACK_BUTTON, "negative_button": FEEDBACK_BUTTON}, may=_ACTION
    ),
    "overflow": Record(
        need={"options": Items(OVERFLOW_OPTION, least=1, most=5)},
        may={**_ACTION, "confirm": CONFIRM},
    ),
    "checkboxes": Record(
        need={"options": _CHOICES},
        may={**_ASKING, "initial_options": _CHOICES},
    ),
    "radio_buttons": Record(
        need={"options": _CHOICES},
        may={**_ASKING, "initial_option": CHOICE_OPTION},
    ),
    "static_select": Record(
        may={**_MENU, **_OPTIONS, "initial_option": MENU_OPTION},
        some=_OPTIONS_OR_GROUPS,
        exclusive=_OPTIONS_OR_GROUPS,
    ),
    "external_select": Record(
        may={**_MENU, "initial_option": MENU_OPTION, "min_query_length": _PREFIX}
    ),
    "users_select": Record(may={**_MENU, "initial_user": _NAME}),
    "channels_select": Record(
        may={**_MENU, "initial_channel": _NAME, "response_url_enabled": YES_NO}
    ),
    "conversations_select": Record(
        may={
            **_MENU,
            "initial_conversation": _NAME,
            "default_to_current_conversation": YES_NO,
            "response_url_enabled": YES_NO,
            "filter": CONVERSATION_FILTER,
        }
    ),
    "multi_static_select": Record(
        may={**_MANY, **_OPTIONS, "initial_options": Items(MENU_OPTION, least=1, most=100)},
        some=_OPTIONS_OR_GROUPS,
        exclusive=_OPTIONS_OR_GROUPS,
    ),
    "multi_external_select": Record(
        may={
            **_MANY,
            "initial_options": Items(MENU_OPTION, least=1, most=100),
            "min_query_length": _PREFIX,
        }
    ),
    "multi_users_select": Record(may={**_MANY, "initial_users": _NAMES}),
    "multi_channels_select": Record(may={**_MANY, "initial_channels": _NAMES}),
    "multi_conversations_select": Record(
        may={
            **_MANY,
            "initial_conversations": _NAMES,
            "default_to_current_conversation": YES_NO,
            "filter": CONVERSATION_FILTER,
        }
    ),
    "datepicker": Record(may={**_MENU, "initial_date": _DAY}),
    "timepicker": Record(may={**_MENU, "initial_time": _TIME, "timezone": _NAME}),
    "datetimepicker": Record(
        may={**_ASKING, "initial_date_time": Number(least=10**9, most=10**10 - 1)}
    ),
    "plain_text_input": Record(
        may={
            **_TYPED,
            "initial_value": String(most=3000, shown=True),
            "multiline": YES_NO,
            "min_length": Number(least=0, most=3000),
            "max_length": Number(least=1, most=3000),
        }
    ),
    "email_text_input": Record(may={**_TYPED, "initial_value": words(least=0)}),
    "url_text_input": Record(may={**_TYPED, "initial_value": words(least=0)}),
    "number_input": Record(
        need={"is_decimal_allowed": YES_NO},
        may={
            **_TYPED,
            "initial_value": _DECIMAL,
            "min_value": _DECIMAL,
            "max_value": _DECIMAL,
        },
    ),
    "rich_text_input": Record(
        may={
            **_TYPED,
            "initial_value": Variant({"rich_text": RICH_TEXT, **INLINE}),
            "min_lines": Number(least=1),
            "max_lines": Number(least=1),
        }
    ),
    "file_input": Record(
        may={**_ACTION, "filetypes": _NAMES, "max_files": Number(least=1, most=10)},
        surfaces=MODAL,
    ),
}

_SELECTS = tuple(name for name in ELEMENTS if name.endswith("_select"))
_PICKERS = ("datepicker", "timepicker", "checkboxes", "radio_buttons")


def elements(*names: str) -> Variant:
    """One element of these types."""
    return Variant({name: ELEMENTS[name] for name in names})


ACCESSORY = elements("image", "button", "workflow_button", "overflow", *_SELECTS, *_PICKERS)
ACTION = elements(
    "button",
    "workflow_button",
    "overflow",
    "datetimepicker",
    "rich_text_input",
    *_SELECTS,
    *_PICKERS,
)
INPUT = elements(
    "datetimepicker",
    "plain_text_input",
    "email_text_input",
    "url_text_input",
    "number_input",
    "rich_text_input",
    "file_input",
    *_SELECTS,
    *_PICKERS,
)
FEEDBACK = elements("feedback_buttons", "icon_button")
