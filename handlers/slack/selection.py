"""What somebody selects on their Home tab: it stays selected while they turn the pages."""

from collections.abc import Mapping
from dataclasses import replace

from handlers.slack.blocks.action_ids import unpack
from handlers.slack.blocks.ticks import ALL
from handlers.slack.context import RequestContext
from handlers.slack.ticked import boxes_in, ticked_in
from models.outbox.homes import HomePlace, look_at, place_of


async def ticked(_: RequestContext) -> None:
    """What is ticked counts when the page is turned, or the selected are approved."""


async def tick_all(context: RequestContext) -> None:
    """Every box of the page is ticked as well, or none on any page."""
    place = await place_of(context.session, context.user.id)
    selected: Mapping[int, int] = {}
    if context.ids("see")["see"] == ALL:
        selected = selected_bills(context, place) | _bills(boxes_in(context.request.view))
    await look_at(context.session, context.user.id, with_selected(place, selected))


def selected_bills(context: RequestContext, place: HomePlace) -> dict[int, int]:
    """Each with the version that was shown: those of this page that are ticked, and those that were
    on others.
    """
    view = context.request.view
    here = _bills(boxes_in(view))
    elsewhere = {one: seen for one, seen in place.selected.items() if one not in here}
    return elsewhere | _bills(ticked_in(view))


def with_selected(place: HomePlace, selected: Mapping[int, int]) -> HomePlace:
    """The same place with these bills ticked and no others, whatever was ticked there."""
    return replace(place, selected=selected, ticking=place.ticking + 1)


def _bills(values: tuple[str, ...]) -> dict[int, int]:
    carried = [unpack(value, "bill", "version") for value in values]
    return {one["bill"]: one["version"] for one in carried}
