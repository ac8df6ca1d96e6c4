"""Interactive elements of blocks: where they are, their ids, and the state a person gives them."""

from collections.abc import Callable, Iterator
from typing import Any

from sandbox.fake_slack.shapes import JsonObject, Refused, new_id

INTERACTIVE = frozenset(
    {
        "button",
        "workflow_button",
        "icon_button",
        "feedback_buttons",
        "overflow",
        "checkboxes",
        "radio_buttons",
        "datepicker",
        "timepicker",
        "datetimepicker",
        "plain_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "rich_text_input",
        "file_input",
        "static_select",
        "external_select",
        "users_select",
        "conversations_select",
        "channels_select",
        "multi_static_select",
        "multi_external_select",
        "multi_users_select",
        "multi_conversations_select",
        "multi_channels_select",
    }
)
_BLOCKS = frozenset(
    {"section", "actions", "input", "context_actions", "container", "card", "carousel"}
)
# Element type -> (its key in the state, its key in the payload when it starts filled in).
_VALUE_KEYS = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", ""),
}
_LISTS = frozenset({"selected_options", "files"})


def complete_blocks(blocks: list[JsonObject]) -> list[JsonObject]:
    """A copy in which every block has its `block_id` and every element its `action_id`."""
    return [_completed(block, top=True) for block in blocks]


def _completed(value: Any, *, top: bool = False) -> Any:
    if isinstance(value, list):
        return [_completed(item) for item in value]
    if not isinstance(value, dict):
        return value
    done = {key: _completed(item) for key, item in value.items()}
    if top or done.get("type") in _BLOCKS:
        done.setdefault("block_id", new_id("", 5))
    if done.get("type") in INTERACTIVE:
        done.setdefault("action_id", new_id("", 5))
    return done


def interactive_elements(blocks: list[JsonObject]) -> Iterator[tuple[JsonObject, JsonObject]]:
    """Pairs of (the block an element stands in, the element), in reading order."""
    for block in blocks:
        yield from _within(block, block)


def _within(block: JsonObject, value: Any) -> Iterator[tuple[JsonObject, JsonObject]]:
    if isinstance(value, list):
        for item in value:
            yield from _within(block, item)
        return
    if not isinstance(value, dict):
        return
    if value.get("type") in INTERACTIVE:
        yield block, value
        return
    inner = value if value.get("type") in _BLOCKS else block
    for item in value.values():
        yield from _within(inner, item)


def images_of(value: Any, pointer: str) -> Iterator[tuple[str, JsonObject]]:
    """(JSON pointer, `slack_file`) of every image that shows a stored file."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from images_of(item, f"{pointer}/{number}")
    elif isinstance(value, dict):
        if isinstance(value.get("slack_file"), dict):
            yield f"{pointer}/slack_file", value["slack_file"]
        for key, item in value.items():
            yield from images_of(item, f"{pointer}/{key}")


def initial_state(blocks: list[JsonObject]) -> dict[str, JsonObject]:
    """What a view or message says of its elements before anybody has touched them."""
    values: dict[str, JsonObject] = {}
    for block, element in interactive_elements(blocks):
        keys = _VALUE_KEYS.get(element["type"])
        if keys is None:
            continue
        key, initial = keys
        start = element.get(initial) if initial else None
        state = {"type": element["type"], key: start}
        if start is None and key in _LISTS:
            state[key] = []
        values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


def merged_state(blocks: list[JsonObject], earlier: dict[str, JsonObject]) -> dict[str, JsonObject]:
    """The initial state, with what was already entered under the same ids kept."""
    state = initial_state(blocks)
    for block_id, actions in state.items():
        for action_id, fresh in actions.items():
            old = earlier.get(block_id, {}).get(action_id)
            if old is not None and old.get("type") == fresh["type"]:
                actions[action_id] = old
    return state


def entered_state(
    blocks: list[JsonObject],
    state: dict[str, JsonObject],
    values: JsonObject,
    store_file: Callable[[Any], JsonObject],
) -> dict[str, JsonObject]:
    """`state` with `values` (`{block_id: {action_id: plain value or state object}}`) entered.

    A block with a single element also takes its value without the action id. Raises Refused for
    a block or element that is not there, and for an option that is not offered.
    """
    entered = {block_id: dict(actions) for block_id, actions in state.items()}
    elements = {
        (block["block_id"], element["action_id"]): element
        for block, element in interactive_elements(blocks)
    }
    for block_id, given in values.items():
        known = entered.get(block_id)
        if known is None:
            raise Refused("invalid_values", f"no input in block {block_id}")
        for action_id, value in _by_action(block_id, known, given).items():
            if action_id not in known:
                raise Refused("invalid_values", f"no element {action_id} in block {block_id}")
            known[action_id] = state_object(elements[block_id, action_id], value, store_file)
    return entered


def _by_action(block_id: str, known: JsonObject, given: Any) -> JsonObject:
    if isinstance(given, dict) and set(given) & set(known):
        return given
    if len(known) == 1:
        return {next(iter(known)): given}
    raise Refused("invalid_values", f"block {block_id} has {sorted(known)}")


def state_object(
    element: JsonObject, value: Any, store_file: Callable[[Any], JsonObject]
) -> JsonObject:
    """The state Slack sends for an element that a person has given `value`."""
    key, _ = _VALUE_KEYS[element["type"]]
    if isinstance(value, dict) and (key in value or value.get("type") == element["type"]):
        value = value.get(key)
    return {"type": element["type"], key: _entered(element, key, value, store_file)}


def _entered(
    element: JsonObject, key: str, value: Any, store_file: Callable[[Any], JsonObject]
) -> Any:
    if value is None or value == "":
        return [] if key in _LISTS else None
    if key == "selected_option":
        return _option(element, value)
    if key == "selected_options":
        return [_option(element, one) for one in _as_list(value)]
    if key == "files":
        return [store_file(one) for one in _as_list(value)]
    if key == "value":
        return _typed(value)
    return value


def _typed(value: Any) -> str:
    if isinstance(value, dict | list):
        raise Refused("invalid_values", f"{value!r} cannot be typed into a field")
    return str(value)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _option(element: JsonObject, value: Any) -> JsonObject:
    wanted = value["value"] if isinstance(value, dict) else str(value)
    if element["type"].endswith("external_select"):
        text = {"type": "plain_text", "text": wanted, "emoji": True}
        return value if isinstance(value, dict) else {"text": text, "value": wanted}
    groups = element.get("option_groups") or [{"options": element.get("options", [])}]
    for group in groups:
        for option in group["options"]:
            if option.get("value") == wanted:
                return dict(option)
    raise Refused("invalid_values", f"{wanted!r} is not among the options")


def input_errors(view: JsonObject, state: dict[str, JsonObject]) -> dict[str, str]:
    """What Slack's own dialog says to a person before it bothers the app: block_id -> sentence."""
    found: dict[str, str] = {}
    for block in view["blocks"]:
        if block.get("type") != "input":
            continue
        element = block["element"]
        keys = _VALUE_KEYS.get(element["type"])
        if keys is None:
            continue
        entered = state[block["block_id"]][element["action_id"]][keys[0]]
        sentence = _input_error(block, element, entered)
        if sentence:
            found[block["block_id"]] = sentence
    return found


def _input_error(block: JsonObject, element: JsonObject, entered: Any) -> str:
    if entered in (None, "", []):
        return "" if block.get("optional") else "Please complete this required field."
    if element["type"] in _RULES:
        return _RULES[element["type"]](element, entered)
    return _text_error(element, entered) if isinstance(entered, str) else ""


def _text_error(element: JsonObject, entered: str) -> str:
    if len(entered) < element.get("min_length", 0):
        return f"Must be at least {element['min_length']} characters long."
    if len(entered) > element.get("max_length", 3000):
        return f"Must be at most {element.get('max_length', 3000)} characters long."
    return ""


_MOST_FILES = 10


def _file_input_error(element: JsonObject, files: list[JsonObject]) -> str:
    most = element.get("max_files", _MOST_FILES)
    if len(files) > most:
        return f"Please choose at most {most} {'file' if most == 1 else 'files'}."
    known = [kind.lower() for kind in element.get("filetypes", [])]
    others = [one["name"] for one in files if one["filetype"].lower() not in known]
    if known and others:
        return f"{others[0]} is of another type than {', '.join(known)}."
    return ""


def _number_input_error(element: JsonObject, entered: Any) -> str:
    try:
        number = float(entered)
    except ValueError:
        return "Please enter a number."
    if not element.get("is_decimal_allowed") and not number.is_integer():
        return "Please enter a whole number."
    if "min_value" in element and number < float(element["min_value"]):
        return f"Must be at least {element['min_value']}."
    if "max_value" in element and number > float(element["max_value"]):
        return f"Must be at most {element['max_value']}."
    return ""


_RULES: dict[str, Callable[[JsonObject, Any], str]] = {
    "number_input": _number_input_error,
    "file_input": _file_input_error,
}
