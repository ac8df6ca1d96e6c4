"""Which replies read like a decision: one table of words, and how they have to stand.

A decision is plain (`approve`, `reject: wrong limit`), or a nod (`lgtm`, `+1, thanks`), which says
nothing else. Ordinary sentences, questions and conditions are none.
"""

import re

from models.bills.states import Verb

_READ_CHARS = 500
_TOKEN = re.compile(r"[+-]1\b|:[a-z0-9_+-]+:|[^\W_]+(?:['’][^\W_]+)*|\n|[^\w\s]")
_SKIN_TONES = re.compile(r":skin-tone-\d:|[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f]")
_SIGNS = {
    **dict.fromkeys(("👍", ":+1:", ":thumbsup:", "✅", ":white_check_mark:", "✔", "👌"), "+1"),
    **dict.fromkeys((":heavy_check_mark:", ":ok_hand:", ":ok:", ":ship:", ":shipit:"), "+1"),
    **dict.fromkeys(("👎", ":-1:", ":thumbsdown:", "❌", ":x:", "🚫", ":no_entry:"), "-1"),
}
"""What Slack makes of the signs people choose, and the signs themselves."""

_PHRASES = {
    re.compile(rf"\b(?:{phrase})\b"): word
    for phrase, word in (
        (r"(?:(?:i|we) have )?no (?:objections?|concerns|complaints|issues)", "+1"),
        (r"thumbs up|keine einwände", "+1"),
        (r"thumbs down|no[ -]go|pas d'accord|nicht einverstanden", "-1"),
        (r"not (?:ok|okay|good|fine|right|correct)|nicht (?:ok|gut|in ordnung)", "wrong"),
        (r"(?:too|zu) (?:high|low|much|many|hoch|niedrig|viel)", "wrong"),
        (r"can(?: ?not|'t)|(?:will|am|are) not|won't|(?:i|we) (?:do not|don't)", "cannot"),
    )
}
"""What is said in several words and means something else alone, and the word that it stands for."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PLAIN = {
    Verb.APPROVE: _words("approve approved genehmigt freigegeben"),
    Verb.REJECT: _words("reject rejected declined disapprove disapproved abgelehnt"),
}
_DOING = {"approving": Verb.APPROVE, "rejecting": Verb.REJECT, "declining": Verb.REJECT}
_REFUSING = _words("cannot not nicht")
_REFUSED = _PLAIN[Verb.APPROVE] | {"approving"}
_BECAUSE = _words("because as since weil da")
_LATER = _words("if once unless until when before yet today tomorrow now wenn sobald bis noch erst")
_LEAD = _words(
    "i we i'm am are hereby please ok okay yes yep ja fine good looks lgtm +1 no nope nein -1"
)
_TELLS_OF_THE_PAST = _words("by last in on when before already yesterday ago earlier")
_OWN = _words("me us")
_NODS = {
    Verb.APPROVE: _words(
        "lgtm sgtm +1 yes yep yeah yup ok okay fine good great perfect agreed agree correct ship go"
        " ahead ja jo passt gut einverstanden ordnung oui si sí d'accord"
    ),
    Verb.REJECT: _words("no nope nah nein nö non -1 disagree"),
}
_SIGNATURES = _words("lgtm sgtm +1")
"""Nods that people write before a remark: "lgtm, the usage is that of the export"."""

_CHEERS = {*"🚀🎉💯🙌🙏👏🔥😊🙂😀❤"} | _words(
    ":rocket: :tada: :100: :raised_hands: :pray: :clap: :fire: :blush: :smile: :heart:"
    " :slightly_smiling_face: :white_heart: :sparkles: :grinning:"
)
_COURTESY = _CHEERS | _words(
    "looks look sounds seems all is it it's this that that's to for from by with me my us i we the"
    " bill and very here thanks thank you thx please pls danke bitte alles in für mich von mir geht"
)
_WRONG = _words("wrong incorrect mistaken falsch")
_ALONG = _words("something clearly simply really just so amount invoice figures ist das")
"""What stands with an objection that says no more than that it is one."""

_PAUSES = frozenset(",.:;!-–—\n")
_CONDITIONS = _words(
    "but if once unless until after when except however not don't doesn't isn't cannot can't"
    " aber wenn sobald außer erst nicht"
)
_FAULTS = _words(
    "wrong incorrect mistake error high low much many promised falsch falsche falsches fehler hoch"
    " niedrig viel versprochen"
)
_NOTHING = _words("nothing not isn't don't doesn't nichts nicht kein keine")


def decision_in(text: str) -> Verb | None:
    """The decision that a reply reads like, such as "ok approved", "👍" or "no, wrong limit"."""
    beginning = _SKIN_TONES.sub("", text[:_READ_CHARS].lower()).replace("’", "'")
    for phrase, word in _PHRASES.items():
        beginning = phrase.sub(word, beginning)
    tokens = [_SIGNS.get(token, token) for token in _TOKEN.findall(beginning)]
    if "?" in tokens:
        return None
    found = _plain(tokens) or _doing(tokens) or _nod(tokens) or _objection(tokens)
    doubted = bool((_CONDITIONS | _WRONG) & {*tokens})
    return None if found is Verb.APPROVE and doubted else found


def _plain(tokens: list[str]) -> Verb | None:
    """Said in so many words, after nothing but a lead, and not of somebody or some time else."""
    said = [token for token in tokens if token not in _LEAD | _PAUSES]
    if not said or (_TELLS_OF_THE_PAST & {*said[1:2]} and not _OWN & {*said[2:3]}):
        return None
    return next((verb for verb, words in _PLAIN.items() if said[0] in words), None)


def _doing(tokens: list[str]) -> Verb | None:
    """On the point of it, "rejecting this", or declining to approve; not some other time."""
    said = [token for token in tokens if token not in _LEAD | _COURTESY | _ALONG]
    refuses = bool(_REFUSING & {*said[:1]} and _REFUSED & {*said[1:2]})
    verb = Verb.REJECT if refuses else _DOING.get("".join(said[:1]))
    rest = said[2 if refuses else 1 :]
    set_apart = {*rest[:1]} <= _PAUSES | _BECAUSE
    return verb if set_apart and not _LATER & {*rest} else None


def _objection(tokens: list[str]) -> Verb | None:
    """Nothing but that it is wrong."""
    words = {token for token in tokens if token not in _COURTESY | _PAUSES | _ALONG}
    asks = tokens[:1] == ["is"]
    return Verb.REJECT if words and words <= _WRONG and not asks else None


def _nod(tokens: list[str]) -> Verb | None:
    said = [token for token in tokens if token not in _COURTESY]
    words = [token for token in said if token not in _PAUSES]
    if not words:
        return None
    if words[0] in _NODS[Verb.REJECT]:
        return Verb.REJECT if _is_refusal(said, words) else None
    signed = tokens[0] in _SIGNATURES and {*tokens[1:2]} <= _PAUSES
    return Verb.APPROVE if signed or {*words} <= _NODS[Verb.APPROVE] else None


def _is_refusal(said: list[str], words: list[str]) -> bool:
    """No alone, or no and what is wrong; "no usage yet" and "no, nothing is wrong" are neither."""
    if {*words} <= _NODS[Verb.REJECT]:
        return True
    set_apart = words[0] != "no" or said[1] in _PAUSES
    return set_apart and bool(_FAULTS & {*words}) and not _NOTHING & {*words[1:]}
