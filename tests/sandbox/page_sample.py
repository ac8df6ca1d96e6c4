"""A small company to look at: people, places, and a message with every block and element."""

from __future__ import annotations

import copy
from typing import Any

Json = dict[str, Any]

NASTY_NAME = "<!channel> *bold* <script>alert(1)</script>"
LONG_NAME = "Überlange" + "n" * 191
HEBREW_NAME = "חברת הענן בע״מ (2017)"
NOW = 1_762_900_000


def plain(text: str, **more: Any) -> Json:
    return {"type": "plain_text", "text": text, **more}


def mrkdwn(text: str, **more: Any) -> Json:
    return {"type": "mrkdwn", "text": text, **more}


def option(text: str, **more: Any) -> Json:
    return {"text": plain(text), "value": text.lower().replace(" ", "_"), **more}


def button(text: str, **more: Any) -> Json:
    action_id = f"press_{text.lower().replace(' ', '_')}"
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


def rich(*inline: Json) -> Json:
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": list(inline)}],
    }


def words(text: str, **style: bool) -> Json:
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def chart(kind: str) -> Json:
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"]
    used = [310_000, 350_000, 450_000, 280_000, 520_000, 610_000]
    series = [
        {"name": "Used", "data": points(months, used)},
        {"name": "Included", "data": points(months, [400_000] * 6)},
    ]
    axes = {"categories": months, "x_label": "Month", "y_label": "Calls"}
    drawn = {"type": kind, "series": series, "axis_config": axes}
    return {"type": "data_visualization", "title": f"Usage as {kind}", "chart": drawn}


def points(labels: list[str], values: list[int]) -> list[Json]:
    return [{"label": label, "value": value} for label, value in zip(labels, values, strict=True)]


PIE = {
    "type": "data_visualization",
    "title": "Overage by customer",
    "chart": {
        "type": "pie",
        "segments": points(["Acme", "Globex", "Initech", "Umbrella"], [45, 28, 18, 9]),
    },
}

TABLE = {
    "type": "table",
    "column_settings": [{"is_wrapped": True}, {"align": "right"}],
    "rows": [
        [{"type": "raw_text", "text": "Line"}, {"type": "raw_text", "text": "Amount"}],
        [
            rich({"type": "link", "url": "https://example.com", "text": "Overage"}),
            {"type": "raw_number", "value": 35000, "text": "35,000.00"},
        ],
    ],
}

DATA_TABLE = {
    "type": "data_table",
    "caption": "Usage by month",
    "page_size": 5,
    "row_header_column_index": 0,
    "rows": [
        [{"type": "raw_text", "text": "Month"}, {"type": "raw_text", "text": "Calls"}],
        *(
            [
                {"type": "raw_text", "text": f"2017-{month:02}"},
                {"type": "raw_number", "value": month * 1000, "text": f"{month * 1000:,}"},
            ]
            for month in range(1, 13)
        ),
    ],
}

CARD = {
    "type": "card",
    "title": mrkdwn("*Acme*, March 2017"),
    "subtitle": mrkdwn("Waits for the CSM"),
    "body": mrkdwn("350,000 × 0.10 = *35,000.00 USD*"),
    "subtext": mrkdwn("Bill #12"),
    "slack_icon": {"type": "icon", "name": "bot"},
    "actions": [button("Open card")],
}

TASKS: list[Json] = [
    {"task_id": "1", "title": "Read the usage", "status": "complete", "output": rich(words("400"))},
    {"task_id": "2", "title": "Make the bills", "status": "in_progress"},
    {"task_id": "3", "title": "Tell the approvers", "status": "pending"},
    {"task_id": "4", "title": "Send", "status": "error"},
]

RICH = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                words("bold", bold=True),
                words(" italic", italic=True),
                words(" strike", strike=True),
                words(" code", code=True),
                words(" and "),
                {"type": "link", "url": "https://example.com/a", "text": "a link"},
                {"type": "emoji", "name": "tada"},
                {"type": "user", "user_id": "U1"},
                {"type": "channel", "channel_id": "C1"},
                {"type": "usergroup", "usergroup_id": "S1"},
                {"type": "broadcast", "range": "here"},
                {"type": "color", "value": "#c01343"},
                {"type": "date", "timestamp": NOW, "format": "{date_long}", "fallback": "a day"},
                words(NASTY_NAME),
            ],
        },
        {
            "type": "rich_text_list",
            "style": "ordered",
            "offset": 2,
            "elements": [rich(words(text))["elements"][0] for text in ("third", "fourth")],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "indent": 1,
            "border": 1,
            "elements": [rich(words("deeper"))["elements"][0]],
        },
        {"type": "rich_text_quote", "elements": [words("a quote")]},
        {"type": "rich_text_preformatted", "elements": [words("def total(): ...")]},
    ],
}

FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "feedback",
    "positive_button": {"text": plain("Good"), "value": "good"},
    "negative_button": {"text": plain("Bad"), "value": "bad"},
}
TRASH = {"type": "icon_button", "icon": "trash", "text": plain("Delete"), "action_id": "trash"}

CHOICES: list[Json] = [
    {"type": "checkboxes", "options": [option("One", description=mrkdwn("_more_")), option("Two")]},
    {
        "type": "radio_buttons",
        "options": [option("Left"), option("Right")],
        "initial_option": option("Left"),
    },
    {"type": "static_select", "placeholder": plain("Static"), "options": [option("A")]},
    {"type": "multi_static_select", "placeholder": plain("Many"), "options": [option("A")]},
    {
        "type": "static_select",
        "placeholder": plain("Grouped"),
        "option_groups": [{"label": plain("Group"), "options": [option("G1"), option("G2")]}],
    },
    {"type": "external_select", "placeholder": plain("Customer"), "min_query_length": 1},
    {"type": "users_select", "placeholder": plain("Person"), "initial_user": "U1"},
    {"type": "multi_users_select", "placeholder": plain("People"), "initial_users": ["U1", "U2"]},
    {"type": "conversations_select", "placeholder": plain("Conversation")},
    {"type": "channels_select", "placeholder": plain("Channel")},
    {"type": "datepicker", "placeholder": plain("Day"), "initial_date": "2017-03-31"},
    {"type": "timepicker", "placeholder": plain("Time"), "initial_time": "09:30"},
    {"type": "datetimepicker", "initial_date_time": NOW},
    {
        "type": "overflow",
        "options": [option("History"), option("Web page", url="https://example.com")],
    },
    {"type": "workflow_button", "text": plain("Workflow"), "workflow": {"trigger": {"url": "x"}}},
]

INPUTS: list[Json] = [
    {"type": "plain_text_input", "placeholder": plain("One line")},
    {"type": "plain_text_input", "multiline": True},
    {"type": "number_input", "is_decimal_allowed": True},
    {"type": "email_text_input"},
    {"type": "url_text_input"},
    {"type": "rich_text_input"},
    {"type": "file_input", "filetypes": ["csv"]},
    {"type": "multi_external_select", "placeholder": plain("Customers")},
    {"type": "multi_conversations_select", "placeholder": plain("Conversations")},
    {"type": "multi_channels_select", "placeholder": plain("Channels")},
]


def numbered(prefix: str, elements: list[Json]) -> list[Json]:
    return [{**element, "action_id": f"{prefix}_{index}"} for index, element in enumerate(elements)]


BLOCKS: list[Json] = [
    {"type": "header", "text": plain("Acme, March 2017 :tada:", emoji=True)},
    {
        "type": "section",
        "text": mrkdwn(
            f"*bold* _italic_ ~strike~ `code` <https://example.com|link> <@U1> <#C1|general> "
            f"<!here> :white_check_mark: a &lt; b &amp;&amp; c <!date^{NOW}^{{date_long}}|day>\n"
            "&gt; quoted\n```pre *not bold*```"
        ),
        "accessory": button("Accessory"),
    },
    {
        "type": "section",
        "fields": [
            mrkdwn("*Used*\n450,000"),
            mrkdwn("*Included*\n100,000"),
            mrkdwn("*Overage*\n350,000"),
            plain("*literally* :tada:"),
        ],
    },
    {"type": "section", "text": plain(NASTY_NAME)},
    {"type": "section", "text": plain(LONG_NAME)},
    {"type": "section", "text": plain(HEBREW_NAME)},
    {"type": "divider"},
    {
        "type": "actions",
        "elements": [
            button("Approve", style="primary", value="12.1"),
            button("Reject", style="danger"),
            button("Hidden", visible_to_user_ids=["U2"]),
            *numbered("choice", CHOICES),
        ],
    },
    {"type": "context", "elements": [mrkdwn("#12 · waits for the *CSM*"), plain("plain")]},
    {"type": "context_actions", "elements": [FEEDBACK, TRASH]},
    *(
        {"type": "input", "label": plain(f"Input {index}"), "element": element, "optional": True}
        for index, element in enumerate(numbered("input", INPUTS))
    ),
    {
        "type": "image",
        "title": plain("An image"),
        "image_url": "/nowhere.png",
        "alt_text": "A picture that is missing",
    },
    RICH,
    {
        "type": "video",
        "title": plain("A video"),
        "video_url": "https://example.com/v",
        "thumbnail_url": "/nowhere.png",
        "alt_text": "A still",
        "author_name": "Slack",
    },
    {
        "type": "markdown",
        "text": "# Title\n**bold** and *italic*\n\n- one\n- [x] two\n\n> quote\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```",
    },
    TABLE,
    DATA_TABLE,
    *(chart(kind) for kind in ("line", "bar", "area")),
    PIE,
    {
        "type": "container",
        "title": plain("Details"),
        "subtitle": mrkdwn("six months"),
        "is_collapsible": True,
        "default_collapsed": True,
        "child_blocks": [{"type": "section", "text": mrkdwn("Inside")}],
    },
    CARD,
    {"type": "carousel", "elements": [CARD, CARD, CARD]},
    *(
        {"type": "alert", "level": level, "text": mrkdwn(f"This is *{level}*")}
        for level in ("default", "info", "warning", "error", "success")
    ),
    {"type": "plan", "title": "Month end", "tasks": TASKS},
    {"type": "task_card", **TASKS[0]},
    {"type": "file", "external_id": "usage.csv", "source": "remote"},
]


def with_ids(blocks: list[Json]) -> list[Json]:
    """What the server does before a page sees blocks."""
    return [{**copy.deepcopy(block), "block_id": f"b{n}"} for n, block in enumerate(blocks)]


def message(ts: float, user: str, text: str, **more: Any) -> Json:
    return {"ts": f"{ts:.6f}", "user": user, "text": text, **more}


def app_message(ts: float, blocks: list[Json], **more: Any) -> Json:
    return message(ts, "UAPP", "From the app", bot_id="B1", blocks=with_ids(blocks), **more)


def user(user_id: str, name: str, title: str, **more: Any) -> Json:
    flags = {"is_bot": False, "is_restricted": False, "deleted": False}
    email = f"{user_id.lower()}@example.com"
    names = {"name": user_id.lower(), "real_name": name, "email": email, "title": title}
    return {"id": user_id, **names, **flags, **more}


USERS = [
    user("U1", "Ana Lima", "Finance"),
    user("U2", "Kofi Mensah", "Customer Success"),
    user("U3", LONG_NAME, "Sales"),
    user("U4", HEBREW_NAME, "Manager"),
    user("U5", NASTY_NAME, "Guest of Sales", is_restricted=True),
    user("UAPP", "Countersign", "", is_bot=True),
]

COMMANDS = [
    {
        "command": "/bill",
        "description": "Generate, list and decide overage bills",
        "usage_hint": "generate 2017-03 | list | show #12 | help",
    },
    {"command": "/usage", "description": "See and record API usage", "usage_hint": "Acme 6m"},
    {"command": "/customer", "description": "Look up customers", "usage_hint": "Acme | list"},
]
