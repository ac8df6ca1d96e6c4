"""Countries and languages, by the codes that the world has for them."""

import re
from functools import cache
from typing import TYPE_CHECKING

from models.errors import Unreadable
from models.late import Late
from models.text import plain_form

if TYPE_CHECKING:
    from babel import Locale

babel = Late("babel")

_ISO_3166 = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH
ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT
HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS
LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI
NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG
SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
_KOSOVO = "XK"
"""Which has no code of ISO 3166-1, and is called so by everybody who needs one."""

COUNTRIES = frozenset((*_ISO_3166.split(), _KOSOVO))

_CALLED = {
    **{"EL": "GR", "UAE": "AE", "U.K.": "GB", "U.S.": "US", "U.S.A.": "US", "AMERICA": "US"},
    **dict.fromkeys(("GREAT BRITAIN", "BRITAIN", "ENGLAND", "SCOTLAND", "WALES"), "GB"),
    **{"NORTHERN IRELAND": "GB", "HOLLAND": "NL", "THE NETHERLANDS": "NL"},
    **{"CZECH REPUBLIC": "CZ", "TURKEY": "TR", "IVORY COAST": "CI", "RUSSIAN FEDERATION": "RU"},
}


def read_country(typed: str) -> str:
    """The two letters of a country; raises Unreadable, with those that were meant if known."""
    code = plain_form(typed).upper()
    if code in COUNTRIES:
        return code
    meant = _CALLED.get(code) or _names().get(code.casefold()) or _other_code(code)
    if meant:
        raise Unreadable(typed, f"is not a country's two letters of ISO 3166-1; write {meant}")
    raise Unreadable(typed, "is not a country; write its two letters of ISO 3166-1, as in DE")


def _other_code(code: str) -> str | None:
    """The two letters where three, a number or older letters are one country's code as well."""
    aliases = babel.core.get_global("territory_aliases")
    found = [one for one in aliases.get(code, ()) if one in COUNTRIES]
    return found[0] if len(found) == 1 else None


@cache
def _names() -> dict[str, str]:
    """Countries by what they are called in English and in their own languages."""
    names: dict[str, str] = {}
    for language in ("en", "de", "fr", "es", "it"):
        territories = babel.Locale(language).territories
        names |= {name.casefold(): code for code, name in territories.items() if code in COUNTRIES}
    return names


def read_locale(typed: str) -> str:
    """A language, with its country or without, as `de` or `de_CH`; raises Unreadable.

    Also for a code that only stands for another one, such as `en_UK`, with that one.
    """
    code = plain_form(typed).replace("-", "_")
    try:
        found = babel.Locale.parse(code)
    except (ValueError, babel.UnknownLocaleError):
        raise Unreadable(typed, _not_a_locale(typed)) from None
    language, *others = code.casefold().split("_")
    if language == "root":
        raise Unreadable(typed, _not_a_locale(typed))
    meant = _without_modifier(found)
    if not {language, *others} <= set(meant.casefold().split("_")):
        raise Unreadable(typed, f"is not a locale's usual code; write {meant}")
    return str(found)


def _without_modifier(locale: "Locale") -> str:
    """Scripts were called so before they had codes."""
    script = {"latin": "Latn", "cyrillic": "Cyrl"}.get(locale.modifier or "", locale.script)
    parts = (locale.language, script, locale.territory, locale.variant)
    return "_".join(part for part in parts if part)


def _not_a_locale(typed: str) -> str:
    wanted = typed.casefold()
    for language in babel.localedata.locale_identifiers() if re.fullmatch(r"\w+", typed) else ():
        if "_" in language:
            continue
        known = babel.Locale(language)
        if wanted in ((known.display_name or "").casefold(), (known.english_name or "").casefold()):
            return f"is not a locale; write {language}, or with a country as in de_CH"
    return "is not a locale; write a language and country, as in de_CH"
