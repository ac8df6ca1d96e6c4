"""A mail's own words: what somebody wrote, without what they quote and without markup."""

import re
from html import unescape

_QUOTE = re.compile(r"^\s*>")
_BEGINS_QUOTE = re.compile(
    r"""^\s*(
        -{2,}\s*\w[\w .'’-]{3,40}\s*-{2,}        # -----Original Message-----, in any language
      | _{10,}                                    # Outlook's line
      | \*?(From|Von|De|Da|Van|Od|Fra|Från|差出人|发件人|보낸\ 사람)\*?\s?[:：].*@
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_FROM = re.compile(r"^\s*\*?(From|Von|De|Da|Van|Od|Fra|Från)\*?\s?[:：]", re.IGNORECASE)
_SENT = re.compile(
    r"^\s*\*?(Sent|Date|Gesendet|Datum|Envoy[ée]|Enviad[oa]|Fecha|Inviato|Data|Verzonden|Sendt"
    r"|Skickat)\*?\s?[:：]",
    re.IGNORECASE,
)
_WROTE = re.compile(
    r"^(On|Am|Le|El|Il|Op)\s.{5,300}\s(wrote|schrieb|a écrit|escribió|ha scritto|schreef)\b.*[:：]$"
)
_TELLS_OF_A_MAIL = re.compile(r"@|\d[:.h]\d\d|\d{4}")
LINE_CHARS = 2_000
INTRODUCTION_LINES = 3


def own_words(text: str) -> str:
    """What stands above the mail that is quoted at the end, quoted lines in between included."""
    lines = [_bounded(line.rstrip()) for line in text.splitlines()]
    end = next((at for at in range(len(lines)) if _quotes_from(lines, at)), len(lines))
    while end and (not lines[end - 1] or _QUOTE.match(lines[end - 1])):
        end -= 1
    end = _without_introduction(lines, end, is_quoted=end < len(lines))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines[:end])).strip()


def _bounded(line: str) -> str:
    return line if len(line) <= LINE_CHARS else f"{line[:LINE_CHARS]}…"


def _quotes_from(lines: list[str], at: int) -> bool:
    """Whether a mail is quoted from this line on, to the end."""
    if _BEGINS_QUOTE.match(lines[at]):
        return True
    after = next((line for line in lines[at + 1 : at + 3] if line), "")
    if _FROM.match(lines[at]):
        return bool(_SENT.match(after))
    written = _WROTE.match(lines[at]) and _TELLS_OF_A_MAIL.search(lines[at])
    return bool(written and any(lines[:at]) and after and not _QUOTE.match(after))


def _without_introduction(lines: list[str], end: int, *, is_quoted: bool) -> int:
    """Where the lines end that do not introduce a quote, as in "On 2 Nov 2026, Ana Ruiz wrote:" in
    any language; a long introduction is on several lines.
    """
    if not is_quoted or not end or not lines[end - 1].endswith((":", "：")):
        return end
    begin = end - 1
    while begin and lines[begin - 1] and end - begin < INTRODUCTION_LINES:
        if _TELLS_OF_A_MAIL.search(lines[begin]) and not lines[begin].startswith("<"):
            break
        begin -= 1
    return begin if _TELLS_OF_A_MAIL.search(" ".join(lines[begin:end])) else end


_TAG = re.compile(r"<(?:(/?)([A-Za-z][A-Za-z0-9]{0,15})([^<>]*)|[!?][^<>]*)>|[^<]+|<")
_LINES = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "hr"})
_UNSEEN = frozenset({"script", "style", "head", "title", "blockquote"})


def text_of_html(html: str) -> str:
    """What is to be read in it, without what it quotes; in time that grows with its length alone,
    as the library's parser does not.
    """
    parts: list[str] = []
    unseen: list[str] = []
    for found in _TAG.finditer(_without_comments(html)):
        closes, tag, attributes = found[1], (found[2] or "").lower(), found[3] or ""
        if tag == "body":
            unseen.clear()
        elif tag in _UNSEEN or (tag in unseen[:1]) or "gmail_quote" in attributes:
            _nest(unseen, tag, closes=bool(closes))
        elif unseen:
            continue
        elif tag in _LINES:
            parts.append("\n")
        elif not tag and not found[0].startswith(("<!", "<?")):
            parts.append(re.sub(r"\s+", " ", found[0]))
    lines = unescape("".join(parts)).splitlines()
    return "\n".join(line.strip() for line in lines)


def _nest(unseen: list[str], tag: str, *, closes: bool) -> None:
    """Within an element that is not read those of its kind are counted, and nothing else."""
    if closes:
        if unseen[-1:] == [tag]:
            unseen.pop()
    elif not unseen or unseen[0] == tag:
        unseen.append(tag)


def _without_comments(html: str) -> str:
    first, *others = html.split("<!--")
    return first + "".join(one.partition("-->")[2] for one in others)
