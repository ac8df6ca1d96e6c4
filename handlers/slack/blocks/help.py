"""The commands, their subcommands and an example of each: what help and suggestions are made of."""

from dataclasses import dataclass

from rapidfuzz import fuzz, process

from handlers.slack.blocks.block_kit import (
    SlackMessage,
    bullets,
    message,
    rich,
    sentence_message,
)
from handlers.wording.formatting import cut, listing, slash
from handlers.wording.rich_text import Part, Sentence, code, fallback_text
from models.people.permissions import Permission
from models.people.users import User


@dataclass(frozen=True)
class Subcommand:
    """`usage` and `example` stand behind the command; `name` is "" where there is no subcommand.

    `permission`: whose it is. `said`: words by which people mean it.
    """

    name: str
    usage: str
    example: str
    does: str
    permission: Permission = Permission.SEE
    said: str = ""


SUBCOMMANDS: dict[str, tuple[Subcommand, ...]] = {
    "bill": (
        Subcommand(
            "generate",
            "generate [YYYY-MM] [customer]",
            "generate 2026-10",
            "shows what a month’s bills would be, then makes them",
            Permission.GENERATE,
            said="create run billing",
        ),
        Subcommand(
            "show",
            "show REF",
            "show #42",
            "shows a bill with its buttons",
            said="bill card invoice owe owes cost costs amount approve reject accept decline",
        ),
        Subcommand(
            "list",
            "list [status] [mine] [customer] [YYYY-MM]",
            "list pending mine",
            "lists bills, those that have waited longest first",
            said="bills waiting pending open remind reminder reminders nudge chase overdue",
        ),
        Subcommand(
            "history",
            "history REF",
            "history Acme Corp 2026-10",
            "tells who did what to a bill, when and why",
            said="happened story",
        ),
        Subcommand(
            "send",
            "send REF... or send YYYY-MM",
            "send 2026-10",
            "sends approved bills, after a preview",
            Permission.SEND,
            said="deliver",
        ),
        Subcommand(
            "undo",
            "undo REF",
            "undo #42",
            "takes back the last decision on a bill",
            Permission.UNDO_OWN,
            said="revert",
        ),
        Subcommand(
            "revise",
            "revise REF",
            "revise #42",
            "gives a bill the figures of now",
            Permission.REVISE,
            said="recalculate",
        ),
        Subcommand(
            "void",
            "void REF",
            "void #42",
            "makes a bill void, and credits what went out",
            Permission.VOID,
            said="cancel credit",
        ),
        Subcommand(
            "reissue",
            "reissue REF",
            "reissue #42",
            "bills a void month again",
            Permission.REISSUE,
            said="rebill",
        ),
        Subcommand(
            "away",
            "away until YYYY-MM-DD @person",
            "away until 2026-12-24 @Kim Lee",
            "lets somebody decide in your place while you are away",
            Permission.GO_AWAY,
            said="vacation holiday holidays leave absence delegate",
        ),
        Subcommand("back", "back", "back", "ends that", Permission.GO_AWAY, said="returned"),
        Subcommand(
            "people",
            "people [part of a name]",
            "people",
            "shows who has which role, and gives, changes and takes away roles",
            Permission.GIVE_ROLES,
            said="role roles access colleague colleagues user users",
        ),
        Subcommand(
            "web",
            "web",
            "web",
            "signs you in to the web pages, by a link that works once",
            said="login password page pages browser website",
        ),
        Subcommand(
            "release",
            "release REF",
            "release #42",
            "lets a held bill go on to approval",
            Permission.RELEASE,
            said="held hold",
        ),
        Subcommand("help", "help", "help", "shows this list"),
    ),
    "customer": (
        Subcommand(
            "",
            "NAME",
            "Acme Corp",
            "shows a customer, its terms by month, its usage and its bills",
            said="customer client terms limit limits price prices",
        ),
        Subcommand(
            "list",
            "list [part of a name]",
            "list acme",
            "lists customers with what they used in the last month that is over",
            said="customers clients",
        ),
        Subcommand(
            "new",
            "new [NAME]",
            "new Acme Corp",
            "adds a customer",
            Permission.KEEP_BOOKS,
            said="add",
        ),
        Subcommand(
            "edit",
            "edit [NAME]",
            "edit Acme Corp",
            "changes a customer and its terms",
            Permission.KEEP_BOOKS,
            said="change address email rename",
        ),
        Subcommand(
            "import",
            "import",
            "import",
            "takes in a file of customers, after a preview",
            Permission.KEEP_BOOKS,
            said="upload file csv",
        ),
        Subcommand("help", "help", "help", "shows this list"),
    ),
    "usage": (
        Subcommand(
            "",
            "CUSTOMER [6m, 12m, YYYY, YYYY-MM..YYYY-MM]",
            "Acme Corp 12m",
            "shows a customer’s calls month by month, and the open bills",
            said="use used uses using usage calls consumption consumed requests",
        ),
        Subcommand(
            "record",
            "record [CUSTOMER YYYY-MM N]",
            "record Acme Corp 2026-10 1250000",
            "writes down what a customer used in a month",
            Permission.KEEP_BOOKS,
            said="enter",
        ),
        Subcommand(
            "import",
            "import",
            "import",
            "takes in a file of many months’ calls, after a preview",
            Permission.KEEP_BOOKS,
            said="upload file csv",
        ),
        Subcommand(
            "sources",
            "sources",
            "sources",
            "shows where usage is asked for by SQL, and asks",
            Permission.KEEP_BOOKS,
            said="source warehouse pull sql database query",
        ),
        Subcommand("help", "help", "help", "shows this list"),
    ),
}

NEAR = 65.0
REPEATED = 200

# What people look for among the commands, though it is done on the card.
ON_THE_CARD = {
    "approve": "Bills are approved with the button on the card.",
    "reject": "Bills are rejected with the button on the card, which asks for the reason.",
    "reassign": "Another approver is asked with the button Reassign on the card.",
    "comment": "Comments are written as replies in the thread of a card.",
}


def help_for(command: str, subcommand: str = "") -> SlackMessage:
    """Every subcommand with what it does and an example; or the one asked for, if there is it."""
    name = slash(command)
    known = [one for one in SUBCOMMANDS[command] if one.name == subcommand and subcommand]
    known = known or list(SUBCOMMANDS[command])
    names = listing([one.name or one.usage for one in known])
    told: list[Sentence] = [
        (code(f"{name} {one.usage}"), f" {one.does}. Example: ", code(f"{name} {one.example}"))
        for one in known
    ]
    blocks = [rich(bullets(told))]
    if any("REF" in one.usage for one in known):
        blocks = [*blocks, *sentence_message(REF).blocks]
    return message(fallback_text(f"{name} knows {names}."), blocks)


REF = (
    "REF is a bill’s number, such as #42, its document’s, such as 2026-000123, or a customer and a"
    " month: Acme Corp 2026-10."
)


def help_for_person(user: User) -> SlackMessage:
    """All three commands, and of each what this person may do."""
    each = [f"{slash(command)} help" for command in SUBCOMMANDS]
    told: list[Sentence] = [
        (code(f"{slash(command)} {one.usage}"), f" {one.does}.")
        for command, one in allowed(user)
        if one.name != "help"
    ]
    lead = sentence_message("This is what you can do with Countersign:")
    listed: list[Part] = [part for one in each for part in (", ", code(one))]
    rest = sentence_message("With an example each: ", *listed[1:], ".")
    blocks = [*lead.blocks, rich(bullets(told)), *sentence_message(REF).blocks, *rest.blocks]
    return message(fallback_text(f"Countersign helps with {listing(each)}."), blocks)


def allowed(user: User) -> list[tuple[str, Subcommand]]:
    """What this person may do, each with its command."""
    return [
        (command, one)
        for command, known in SUBCOMMANDS.items()
        for one in known
        if user.can(one.permission)
    ]


def needs_command(command: str, text: str) -> SlackMessage:
    """For what was written to the bot and opens a dialog, which only a command can."""
    return sentence_message(
        "To do that, type ", code(f"{slash(command)} {cut(text, REPEATED)}"), "."
    )


def nearest_commands(command: str, word: str, rest: str = "") -> SlackMessage:
    """For a subcommand that does not exist: the nearest one, and where the others are listed.

    `rest` is what stood behind it, and stands behind the nearest one again.
    """
    name = slash(command)
    helping = ("Type ", code(f"{name} help"), " for all of them.")
    behind = f" {rest}" if rest and len(rest) <= REPEATED else ""
    if (near := _near(command, word)) in ON_THE_CARD:
        show = code(f"{name} show{behind or ' #42'}")
        return sentence_message(f"{ON_THE_CARD[near]} To get it, type ", show, ".")
    lead = f"{name} does not know “{cut(word, 60)}”. "
    meant = _meant(command, word)
    if not meant:
        return sentence_message(lead, *helping)
    choices = [part for one in meant for part in (" or ", code(f"{one}{behind}"))]
    return sentence_message(f"{lead}Did you mean ", *choices[1:], "? ", *helping)


def is_near(command: str, word: str) -> bool:
    """Whether a word was perhaps meant for a subcommand, of this command or of another."""
    return bool(_meant(command, word))


def _meant(command: str, word: str) -> list[str]:
    """What was perhaps meant by a word behind a command: the other of just this name, those that
    have such a subcommand, or the subcommand that is spelt nearly so.
    """
    if word.lower() in SUBCOMMANDS:
        return [slash(word.lower())]
    if others := _elsewhere(command, word):
        return [f"{slash(other)} {word.lower()}" for other in others]
    near = _near(command, word)
    return [] if near is None else [f"{slash(command)} {near}"]


def _near(command: str, word: str) -> str | None:
    """Decisions that are taken on the card are among what may be meant."""
    known = [one.name for one in SUBCOMMANDS[command] if one.name]
    return _nearest(word.lower(), [*known, *(ON_THE_CARD if command == "bill" else ())])


def _elsewhere(command: str, word: str) -> list[str]:
    """The other commands that have just this subcommand, where this one has it not."""
    having = [
        one
        for one, known in SUBCOMMANDS.items()
        if any(subcommand.name == word.lower() for subcommand in known)
    ]
    return [] if command in having else having


def _nearest(word: str, known: list[str]) -> str | None:
    """The first that begins with the word, else the one that is spelt most like it, if any is."""
    begun = next((one for one in known if one.startswith(word)), None)
    found = process.extractOne(word, known, scorer=fuzz.ratio, score_cutoff=NEAR)
    return begun or (found[0] if found else None)
