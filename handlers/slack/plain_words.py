"""What people write to the bot in plain words, read by the commands' own table."""

import re
from collections.abc import Collection, Mapping

from handlers.slack.parsing import first_word
from models.text import unquoted

_COURTESY = re.compile(
    r"^(?:(?:hi|hello|hey|please|pls|can you|could you|would you)\b[\s,!]*)+"
    r"(?=\S)|[\s,]*\b(?:please|pls|thanks|thank you)[\s.!]*$|[\s?!]+$",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"^(?:me\s+)?(?:the\s+)?(?:bills?\s+)?(?:(?:of|for|from)\s+|(?<=\s)(?=#?\d))", re.IGNORECASE
)
_SHOWING = frozenset({"show", "see"})
_GREETING = (
    r"(?:hi|hello|hallo|hey|hoi|yo|ciao|salut|bonjour|hola|moin|servus|thanks|thank you|thx|danke|"
    r"good (?:morning|afternoon|evening|day)|guten (?:tag|morgen|abend))"
    r"(?:[\s,]+(?:there|all|everybody|everyone|team|bot|countersign))?[\s,.!?]*"
)
_ASKING_HELP = (
    r"(?:what can (?:you|i) do|what do you do|who are you|what are you|how does (?:this|it) work|"
    r"what is this|how do i (?:start|begin|use this)|i need help|commands?|menu|start|info)"
)
_MEANT = (
    (_ASKING_HELP, "help"),
    (r"(?:what|which bills?|who)(?: is|'s|s)?(?: still)? wait(?:s|ing)?(?: for me)?", "list mine"),
    (r"(?:what|which bills?) (?:needs me|do i (?:have|need) to (?:do|approve|sign))", "list mine"),
    (r"(?:(?:list|show) )?(?:all |the |our )*customers", "customer list"),
    (r"(?:my|waiting|open|pending) bills?|my (?:inbox|list)|inbox|waiting for me", "list mine"),
)
"""What means a command that it does not name."""


def bot_left_out(text: str, bot_user_id: str) -> str:
    """A message without the mentions by which the bot was called."""
    return re.sub(rf"<@{re.escape(bot_user_id)}(?:\|[^>]*)?>[\s,:]*", " ", text).strip()


def line_meant(text: str) -> str:
    """The words without courtesies; the command that a saying stands for in their place."""
    line = unquoted(text.strip().strip("`")).lstrip("/")
    if re.fullmatch(_GREETING, line, re.IGNORECASE):
        return "help"
    for _ in range(3):
        line = _COURTESY.sub("", line).strip() or line
    plain = line.replace("’", "'")
    for saying, meant in _MEANT:
        if re.fullmatch(saying, plain, re.IGNORECASE):
            return meant
    return line


def command_and_line(line: str, commands: Mapping[str, Collection[str]]) -> tuple[str, str]:
    """Which of the commands with their subcommands is called, and what stands behind it.

    The command's name may stand behind the subcommand's, as in `new customer`, or be left out
    where no other has that, as in `record acme`. `bill` where the words name none.
    """
    word, rest = first_word(line)
    if (called := _command(word, commands)) is not None:
        return called, rest
    named, behind = first_word(rest)
    called, verb = _command(named, commands), word.lower()
    if called is not None and (verb in commands[called] or verb in _SHOWING):
        return called, behind if verb in _SHOWING else f"{verb} {behind}"
    having = [command for command, known in commands.items() if verb in known]
    return (having[0] if len(having) == 1 else "bill"), line


def _command(word: str, commands: Collection[str]) -> str | None:
    plain = word.lower()
    return next((one for one in commands if plain in (one, f"{one}s")), None)


def without_filler(named: str) -> str:
    """A name without `of`, `for the` or `the bill of` before it."""
    return _LEADING.sub("", named, count=1) or named


_NUMBER = re.compile(r"(?<![\w#])[#№](\d{1,18})\b", re.ASCII)


def number_within(line: str) -> str:
    """The bill that a sentence speaks of, as in `#12`; "" where it has none."""
    found = _NUMBER.search(line)
    return f"#{found[1]}" if found else ""
