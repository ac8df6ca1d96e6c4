"""Sources of usage: which there are, what they are asked, and what came of it."""

from collections.abc import Sequence

from handlers.slack.blocks.action_ids import ActionId, pack
from handlers.slack.blocks.block_kit import (
    Element,
    SlackMessage,
    View,
    actions,
    button,
    confirm,
    header,
    lines,
    message,
    modal,
    opening,
    paragraph,
    sentence_message,
)
from handlers.slack.blocks.inputs import line_input, select_input, text_input
from handlers.wording.addresses import source_address
from handlers.wording.formatting import cut, listing, name, period_name
from handlers.wording.rich_text import Sentence, bold, fallback_text
from handlers.wording.source_text import (
    ADDRESSES,
    engine_name,
    overlaps_text,
    pull_text,
    source_state,
)
from models.period import Period
from models.queries.sources import PullNotice, SourceLine
from models.usage.drivers import missing_driver
from models.usage.pulls import PullOutcome
from models.usage.sources import UsageSource

NAME, URL, QUERY, ARGUMENTS = "name", "url", "query", "connect_args"
SOURCE, MONTH, WHAT = "source", "month", "what"
CHECK, PULL = "check", "pull"
SHOWN = 20


def sources_list(found: Sequence[SourceLine]) -> SlackMessage:
    """All of them, each with how it went the last time."""
    told = "Where usage is asked for by SQL" if found else NONE
    asking = button(ActionId.ASK_SOURCE, "Ask one", pack(), "primary")
    new = button(ActionId.NEW_SOURCE, "New source", pack())
    more = len(found) - SHOWN
    return message(
        fallback_text(f"{told}."),
        [
            header("Sources of usage"),
            *(
                [lines(*_told(one)) for one in found[:SHOWN]]
                or [paragraph(f"{NONE}. {WHAT_IT_IS}")]
            ),
            *([paragraph(f"and {more} more")] if more > 0 else []),
            *actions(*([asking] if any(map(_is_on, found)) else []), new, *_page()),
        ],
    )


NONE = "No source of usage is known yet"
WHAT_IT_IS = (
    "A source is a query of your own database or warehouse, which tells each customer's calls of a "
    "month. Without one, usage comes by files or by hand."
)


def _is_on(one: SourceLine) -> bool:
    return one.source.switched_off_at is None


def _told(one: SourceLine) -> list[Sentence]:
    _, state = source_state(one.source)
    first: Sentence = [bold(name(one.source.name)), f" · {engine_name(one.source)} · {state}"]
    if one.underway:
        return [first, [f"is being asked for {listing([*map(period_name, one.underway)])}"]]
    return [first, pull_text(one.last, one.source) if one.last else ["Never asked yet"]]


def _page(source_id: int | None = None) -> list[Element]:
    address = source_address(source_id)
    return [opening(button(ActionId.OPEN_PAGE, "Web page", pack()), address)] if address else []


def asking_form(found: Sequence[UsageSource], months: Sequence[Period], chosen: Period) -> View:
    """Asks which source is to be asked for which month, and whether only to look."""
    only = str(found[0].id) if len(found) == 1 else ""
    return modal(
        "Ask a source",
        [
            select_input(
                SOURCE, "Source", [(cut(one.name, 75), str(one.id)) for one in found], only
            ),
            select_input(
                MONTH, "Month", [(period_name(one), str(one)) for one in months], str(chosen)
            ),
            select_input(
                WHAT,
                "What to do",
                [("Check: only say what would change", CHECK), ("Pull: take it in", PULL)],
                CHECK,
            ),
        ],
        callback_id=ActionId.ASK_SOURCE,
        submit="Ask",
        metadata=pack(),
        close="Cancel",
    )


def source_form() -> View:
    """Asks for what a source is."""
    example = ADDRESSES["PostgreSQL"]
    return modal(
        "New source",
        [
            line_input(NAME, "Name", "As figures tell where they came from."),
            line_input(
                URL,
                "Address",
                f"As in {example}: in the place of a password stands the name of a setting that "
                "begins with WAREHOUSE_.",
            ),
            text_input(
                QUERY,
                "Query",
                "Tells customer and calls, and perhaps day, of what happened from :month_start on "
                "and before :month_end.",
            ),
            text_input(
                ARGUMENTS,
                "Further arguments",
                'What the driver is told beside the address, as in {"warehouse": "BILLING"}.',
                optional=True,
            ),
        ],
        callback_id=ActionId.NEW_SOURCE,
        submit="Add source",
        metadata=pack(),
        close="Cancel",
    )


CHECK_FIRST = "Check a month before you pull it: that says what would change."


def source_added(source: UsageSource) -> SlackMessage:
    return sentence_message(
        bold(name(source.name)),
        " is there. ",
        missing_driver(source.engine) or CHECK_FIRST,
        buttons=[button(ActionId.ASK_SOURCE, "Ask it", pack(), "primary"), *_page(source.id)],
    )


def source_asked(source: UsageSource, period: Period) -> SlackMessage:
    return sentence_message(
        bold(name(source.name)),
        f" is asked for {period_name(period)}. What comes of it is told you here.",
    )


def pull_notice(facts: PullNotice) -> SlackMessage:
    """What came of asking; with what to do about it, unless that is settled since."""
    told = pull_text(facts.pull, facts.source)
    overlaps = overlaps_text(facts.pull)
    settled: list[Sentence] = []
    if facts.settled is not None:
        settled = [["Settled since: ", *pull_text(facts.settled, facts.source)]]
    after = _waiting_month(facts) if facts.needs_somebody else []
    return message(
        fallback_text(*told),
        [
            lines(told, *overlaps, *settled, *after),
            *actions(*_to_do(facts), *_page(facts.source.id)),
        ],
    )


def _waiting_month(facts: PullNotice) -> list[Sentence]:
    if not facts.is_month_over:
        return []
    month = period_name(facts.pull.period)
    return [[f"{month} is not billed by itself before this is done."]]


def _to_do(facts: PullNotice) -> list[Element]:
    if not facts.needs_somebody:
        return []
    ids = pack(source=facts.source.id, period=str(facts.pull.period))
    month = period_name(facts.pull.period)
    if facts.pull.outcome == PullOutcome.HELD:
        asked = confirm(
            "Apply all the same?",
            f"{name(facts.source.name)} is asked for {month} again, and what it answers is taken "
            "in, whatever it takes away.",
            "Apply",
        )
        return [button(ActionId.APPLY_PULL, "Apply all the same", ids, "danger", ask=asked)]
    return [button(ActionId.PULL_AGAIN, "Pull again", ids, "primary", label=f"Pull {month} again")]
