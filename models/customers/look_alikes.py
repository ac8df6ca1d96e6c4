"""Names that only look like another, by letters of one script in the place of another's.

Which letters look alike is Unicode's word (UTS 39, mixed-script confusables), in the tables of
confusable-homoglyphs.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.late import Late

if TYPE_CHECKING:
    from confusable_homoglyphs import categories, confusables

categories = Late("confusable_homoglyphs.categories")
confusables = Late("confusable_homoglyphs.confusables")

_NO_LETTERS = r"\u0001-@[-\u0060{-\u00bf\u0300-\u036f\u2000-\u2bff"


@dataclass(frozen=True)
class Script:
    """`signs`: what names in it are written with, as ranges, accents by themselves."""

    name: str
    signs: str


SCRIPTS = (
    Script("LATIN", rf"{_NO_LETTERS}A-Za-z\u00c0-\u024f"),
    Script("CYRILLIC", rf"{_NO_LETTERS}\u0400-\u052f"),
    Script("GREEK", rf"{_NO_LETTERS}\u0370-\u03ff"),
)


KNOWN_NAMES = "select name, name_key from customer_names"


def look_alikes(strangers: str, known: str = KNOWN_NAMES) -> str:
    """A query for `line` and `name` of those `strangers`, queried so, that look like a name which
    is `known`, though letters of one are of another script than those of the other; and for that.

    Of two such names at least one can be read in another script as a whole, and only those are
    looked up: of a million names a handful. It wants the values of `scripts`.
    """
    return f"""
        with script (letters, twins, readable) as (
            select * from unnest(
                cast(:letters as text[]), cast(:twins as text[]), cast(:readable as text[]))),
        stranger as not materialized (
            select line, name, octet_length(name) = length(name) as plain from ({strangers}) s),
        known as not materialized (
            select name, name_key as key, octet_length(name) = length(name) as plain
            from ({known}) n),
        stranger_read as materialized (
            select line, name, name_key(translate(spelt, letters, twins)) as key
            from (
                select line, name, case when plain then name else normalize(name, nfkd) end as spelt
                from stranger where not plain or (select exists (select from known where not plain))
                offset 0
            ) s join script on spelt ~ readable),
        known_read as materialized (
            select name, key as own, name_key(translate(spelt, letters, twins)) as key
            from (
                select name, key, normalize(name, nfkd) as spelt from known
                where not plain and exists (select from stranger) offset 0
            ) k join script on spelt ~ readable)
        select line, s.name, k.name as looks_like from stranger_read s join known k using (key)
        union select line, s.name, k.name
        from stranger s join known_read k on k.key = name_key(s.name)
        union select line, s.name, k.name from stranger_read s join known_read k using (key)
        where name_key(s.name) <> k.own"""


async def named_alike(session: AsyncSession, name: str, but: int) -> str | None:
    """A name that this one only looks like, of a customer other than this one."""
    known = f"{KNOWN_NAMES} where customer_id <> {but:d}"
    query = look_alikes("select 1 as line, cast(:name as text) as name", known)
    found = await session.execute(sa.text(query), {"name": name, **scripts()})
    return next((row.looks_like for row in found), None)


@cache
def scripts() -> Mapping[str, Sequence[str]]:
    """Of each script the letters of others that look like one of its own, those, and what a
    name that has some of them is like that can be read in it.
    """
    twins = [dict(_twins(script.name)) for script in SCRIPTS]
    letters = ["".join(each) for each in twins]
    return {
        "letters": letters,
        "twins": ["".join(each.values()) for each in twins],
        "readable": [
            f"^[{script.signs}]*[{more}][{script.signs}{more}]*$"
            for script, more in zip(SCRIPTS, letters, strict=True)
        ],
    }


def _twins(script: str) -> Iterator[tuple[str, str]]:
    """A letter may look like a digit, as one of Cyrillic does like 3; a digit is of any script."""
    scripts = {script, "COMMON"} if script == "LATIN" else {script}
    for letter in filter(_is_plain, confusables.confusables_data):
        if letter.isdigit() or _script_of(letter) in {script, "COMMON"}:
            continue
        twins = [one for one in _class_of(letter) if _script_of(one) in scripts]
        if twins:
            yield letter, min(twins, key=lambda twin: _distance(letter, twin))


@cache
def _script_of(letter: str) -> str:
    return str(categories.alias(letter))


@cache
def _class_of(letter: str) -> set[str]:
    """All that look like it, which the tables give by way of the one that stands for them."""
    near = {letter, *_beside(letter)}
    return {one for each in near for one in _beside(each) if _is_plain(one)}


def _beside(letter: str) -> list[str]:
    return [one["c"] for one in confusables.confusables_data[letter]]


@cache
def _is_plain(sign: str) -> bool:
    """A letter or a digit, and no other form of one, which is the same in names anyway."""
    return len(sign) == 1 and sign.isalnum() and unicodedata.normalize("NFKD", sign) == sign


def _distance(letter: str, twin: str) -> tuple[bool, bool, str]:
    other_case = unicodedata.category(letter) != unicodedata.category(twin)
    return not twin.isascii(), other_case, twin
