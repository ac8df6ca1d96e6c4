"""The fields of dialogs; each has one element, under which what is entered stands."""

from collections.abc import Sequence

from handlers.slack.blocks.block_kit import Block, Element, View, plain_text

INPUT_LIMIT = 3000


def text_input(
    block_id: str, label: str, hint: str, optional: bool = False, value: str = ""
) -> Block:
    """A field of several lines, at most 3,000 characters."""
    return _input(block_id, label, _typed(value, multiline=True), hint, optional)


def line_input(
    block_id: str, label: str, hint: str, value: str = "", *, optional: bool = False
) -> Block:
    """A field of one line, at most 3,000 characters."""
    return _input(block_id, label, _typed(value, multiline=False), hint, optional)


def _typed(value: str, *, multiline: bool) -> Element:
    element: Element = {
        "type": "plain_text_input",
        "action_id": "value",
        "multiline": multiline,
        "max_length": INPUT_LIMIT,
    }
    return {**element, "initial_value": value[:INPUT_LIMIT]} if value else element


def number_input(block_id: str, label: str, hint: str) -> Block:
    """A field for a whole number, which may be left empty."""
    element: Element = {
        "type": "number_input",
        "action_id": "value",
        "is_decimal_allowed": False,
    }
    return _input(block_id, label, element, hint, optional=True)


def file_input(block_id: str, label: str, hint: str, types: Sequence[str]) -> Block:
    """A field for one file whose name ends so."""
    element: Element = {
        "type": "file_input",
        "action_id": "value",
        "filetypes": list(types),
        "max_files": 1,
    }
    return _input(block_id, label, element, hint)


def select_input(
    block_id: str, label: str, options: Sequence[tuple[str, str]], value: str = ""
) -> Block:
    """A choice of one of up to 10,000 pairs of words and value, of more than 100 in groups; that of
    `value` is chosen already.
    """
    choices = [{"text": plain_text(text, 75), "value": value} for text, value in options]
    element: Element = {
        "type": "static_select",
        "action_id": "value",
        "placeholder": plain_text("Choose one", 150),
        **_in_groups(choices),
    }
    chosen = next((one for one in choices if value and one["value"] == value), None)
    return _input(block_id, label, {**element, "initial_option": chosen} if chosen else element)


MOST_CHOICES = 100
"""So many options Slack takes in a group, and so many groups."""


def _in_groups(choices: Sequence[Element]) -> Element:
    if len(choices) <= MOST_CHOICES:
        return {"options": list(choices)}
    starts = range(0, min(len(choices), MOST_CHOICES**2), MOST_CHOICES)
    groups = [choices[start : start + MOST_CHOICES] for start in starts]
    return {"option_groups": [{"label": _range(group), "options": group} for group in groups]}


def _range(group: Sequence[Element]) -> Element:
    """From the first to the last of them."""
    first, last = (group[at]["text"]["text"][:30] for at in (0, -1))
    return plain_text(f"{first} – {last}", 75)


def suggested_input(block_id: str, label: str, placeholder: str) -> Block:
    """A choice among what is offered for the letters that are typed, which
    `handlers.slack.suggestions` answers by `block_id`.
    """
    element: Element = {
        "type": "external_select",
        "action_id": "value",
        "placeholder": plain_text(placeholder, 150),
        "min_query_length": 1,
    }
    return _input(block_id, label, element)


def shown_afresh(view: View, mark: str) -> View:
    """The same dialog with what its fields begin with, where it takes the place of one that was
    typed into. Slack keeps what was typed in an element of the same action id, so they get another,
    by a `mark` that the one before did not have.
    """
    return {**view, "blocks": [_afresh(block, mark) for block in view["blocks"]]}


def _afresh(block: Block, mark: str) -> Block:
    if block["type"] != "input":
        return block
    return {**block, "element": {**block["element"], "action_id": f"value-{mark}"}}


def _input(
    block_id: str, label: str, element: Element, hint: str = "", optional: bool = False
) -> Block:
    made: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, 2000),
        "element": element,
        "optional": optional,
    }
    return {**made, "hint": plain_text(hint, 2000)} if hint else made
