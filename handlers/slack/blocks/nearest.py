"""The commands nearest to plain words that call none: what their words mean, for whoever asks."""

import re
from dataclasses import dataclass

from rapidfuzz import fuzz

from handlers.slack.blocks.block_kit import SlackMessage, bullets, message, rich, sentence_message
from handlers.slack.blocks.help import NEAR, REPEATED, Subcommand, allowed
from handlers.wording.formatting import cut, listing, slash
from handlers.wording.rich_text import Sentence, code
from models.people.permissions import Permission
from models.people.users import User

MOST = 3
_ON_THE_CARD = (
    Subcommand(
        "reassign",
        "reassign REF",
        "reassign #42",
        "brings the card, where another approver is asked",
        Permission.REASSIGN,
        said="remind delegate",
    ),
    Subcommand(
        "approve",
        "approve REF",
        "approve #42",
        "brings the card",
        Permission.APPROVE,
        said="accept",
    ),
    Subcommand(
        "reject", "reject REF", "reject #42", "brings the card", Permission.REJECT, said="decline"
    ),
)
"""What is typed like a command and done on the card."""

_USUAL = {("bill", "show"), ("bill", "list"), ("usage", "")}
"""What is offered where no word means any."""

_WORD = re.compile(r"[^\W_]+")
_LEAST_CHARS = 4
"""A shorter word is like too many others to be a misspelt one."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ORDINARY = _words(
    "a an the and for from with how what when where which who why did does was were has have had"
    " can could would should will may much many our your his her its their are you use used usage"
    " calls bill bills remind reassign approve reject please last this month about all any some"
    " not tell know need want give get let see show send make take of in on at to is it me my we"
    " customer customers client clients that then there they them than more most long life mean"
)
"""Words that stand in any sentence, which are no customer's name by themselves."""


@dataclass(frozen=True)
class Named:
    """What a text names: a bill as `#12`, a customer, and a month in words; "" what it does not."""

    bill: str = ""
    customer: str = ""
    month: str = ""

    def behind(self, one: Subcommand) -> str:
        """The subcommand with what is named in the place of what its example has."""
        about = " ".join(filter(None, (self.customer, self.month)))
        if "REF" in one.usage and (self.bill or self.customer):
            return f"{one.name} {self.bill or about}"
        if "CUSTOMER" in one.usage and self.customer:
            return f"{one.name} {about}".strip()
        if one.name in ("", "edit") and self.customer:
            return f"{one.name} {self.customer}".strip()
        if "[customer]" in one.usage and about:
            return f"{one.name} {about}"
        return one.example


def nearest_to(line: str, named: Named, user: User) -> SlackMessage:
    """For plain words that call no command: at most three of those that the asker may use."""
    near = _nearest(line, named, user)
    what = "The nearest that it does:" if near else "What everybody can ask for:"
    near = near or {
        f"{slash(command)} {named.behind(one)}": one
        for command, one in allowed(user)
        if (command, one.name) in _USUAL
    }
    lead = f"Countersign does not understand “{cut(line, 60)}”. {what}"
    told: list[Sentence] = [(code(typed), f" {one.does}") for typed, one in near.items()]
    rest = sentence_message("Type ", code("help"), " for all that you can do.")
    blocks = [*sentence_message(lead).blocks, rich(bullets(told)), *rest.blocks]
    return message(f"{lead} {listing(list(near))}.", blocks)


def _nearest(line: str, named: Named, user: User) -> dict[str, Subcommand]:
    """What would be typed, and what it does, likeliest first."""
    words = _WORD.findall(line.casefold())
    _, _, rest = line.partition(" ")
    known = [*allowed(user), *(("bill", one) for one in _ON_THE_CARD if user.can(one.permission))]
    scored = []
    for command, one in known:
        alike, place = _likeness(one, command, words)
        if alike < NEAR or one.name == "help":
            continue
        is_misspelt = place == 0 and alike < 100 and rest
        behind = f"{one.name} {cut(rest, REPEATED)}" if is_misspelt else named.behind(one)
        scored.append((-alike, place, f"{slash(command)} {behind}", one))
    scored.sort(key=lambda found: found[:2])
    return {typed: one for _, _, typed, one in scored[:MOST]}


def _likeness(one: Subcommand, command: str, words: list[str]) -> tuple[float, int]:
    """How much like this subcommand the likeliest of the words is, in percent, and its place."""
    meant = {one.name or command, *one.said.split()}
    best, place = 0.0, 0
    for index, word in enumerate(words):
        if word in meant:
            return 100.0, index
        if len(word) >= _LEAST_CHARS and word not in ORDINARY:
            alike = fuzz.ratio(word, one.name or command)
            best, place = max((best, place), (alike, index), key=lambda found: found[0])
    return best, place
