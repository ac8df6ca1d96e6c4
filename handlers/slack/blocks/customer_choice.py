"""Choosing a customer in a dialog: a field that offers names while somebody types."""

from collections import Counter
from collections.abc import Sequence

from handlers.slack.blocks.action_ids import ActionId
from handlers.slack.blocks.block_kit import Block, Element, View, described, modal, option
from handlers.slack.blocks.inputs import suggested_input
from handlers.wording.formatting import name
from models.customers.search import Suggestion

CUSTOMER = "customer"
LABEL_CHARS = 75


def customer_field() -> Block:
    return suggested_input(CUSTOMER, "Customer", "Type a part of the name")


def customer_options(found: Sequence[Suggestion]) -> list[Element]:
    """An option each; those whose names look alike where they are cut are told apart by their ids,
    and a name that is not today's is told.
    """
    alike = Counter(name(one.name, LABEL_CHARS) for one in found)
    return [_option(one, is_alike=alike[name(one.name, LABEL_CHARS)] > 1) for one in found]


def _option(one: Suggestion, *, is_alike: bool) -> Element:
    behind = f" (id {one.customer_id})" if is_alike else ""
    label = f"{name(one.name, LABEL_CHARS - len(behind))}{behind}"
    offered = option(label, str(one.customer_id))
    if one.found_as == one.name:
        return offered
    return described(offered, f"also {name(one.found_as, LABEL_CHARS - 5)}")


def which_customer() -> View:
    """Asks whom to edit."""
    return modal(
        "Edit customer",
        [customer_field()],
        callback_id=ActionId.CHOOSE_CUSTOMER,
        submit="Edit",
        close="Cancel",
    )
