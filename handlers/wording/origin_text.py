"""Where a figure came from, in a sentence that every medium says."""

from handlers.wording.formatting import name, person, plain
from handlers.wording.rich_text import Part, Sentence
from models.context import Source
from models.people.users import SYSTEM
from models.usage.origins import FigureOrigin

SAID = 300
"""Of a reason there are so many characters at most."""


def origin_text(origin: FigureOrigin) -> Sentence:
    """As in "From the source events, pulled 1 Nov 2026, 04:10 by the clock."."""
    why = f": {plain(origin.reason, SAID)}" if origin.reason else "."
    return (*_whence(origin), origin.at, f" by {_who(origin)}{why}")


def _whence(origin: FigureOrigin) -> tuple[Part, ...]:
    if origin.pulled_from:
        return (f"From the source {name(origin.pulled_from)}, pulled ",)
    if origin.file:
        return (f"By file {name(origin.file)}, taken in ",)
    return (f"{_BY_HAND[origin.source]}, recorded ",)


_BY_HAND = {
    Source.SLACK: "By hand in Slack",
    Source.WEB: "By hand on the web",
    Source.API: "By the API",
    Source.CLI: "From the command line",
    Source.CLOCK: "By Countersign",
}


def _who(origin: FigureOrigin) -> str:
    """The clock and the command line act as one user, whom people do not know."""
    if origin.by.name != SYSTEM:
        return person(origin.by)
    return "the clock" if origin.source is Source.CLOCK else "the command line"
