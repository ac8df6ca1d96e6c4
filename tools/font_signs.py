"""Which signs our fonts have: `python -m tools.font_signs` writes `models/customers/signs.txt`."""

import re
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

from fontTools.ttLib import TTFont

from handlers.documents.printer import TEMPLATES
from handlers.documents.typesetting import FONT_PACKAGES, TEMPLATE
from models.customers.signs import TABLE

A_LINE = 12


def font_signs() -> set[int]:
    """The code points that the fonts named by our template have."""
    found: set[int] = set()
    families = set(re.findall(r'"(Noto [^"]+)"', (TEMPLATES / TEMPLATE).read_text()))
    for path in _font_files():
        with TTFont(path, lazy=True) as font:
            if families & {font["name"].getDebugName(kind) for kind in (1, 16)}:
                found |= font.getBestCmap().keys()
    return found


def _font_files() -> Iterator[Path]:
    for package in FONT_PACKAGES:
        for path in sorted(Path(str(resources.files(package))).rglob("*")):
            if path.suffix.lower() in (".ttf", ".otf"):
                yield path


def as_table(signs: Iterable[int]) -> str:
    """Ranges in hex, first and last sign of each, some a line."""
    ranges: list[tuple[int, int]] = []
    for sign in sorted(signs):
        if ranges and ranges[-1][1] == sign - 1:
            ranges[-1] = (ranges[-1][0], sign)
        else:
            ranges.append((sign, sign))
    told = [f"{first:X}" if first == last else f"{first:X}-{last:X}" for first, last in ranges]
    lines = (told[start : start + A_LINE] for start in range(0, len(told), A_LINE))
    return "".join(f"{' '.join(line)}\n" for line in lines)


if __name__ == "__main__":
    TABLE.write_text(as_table(font_signs()))
