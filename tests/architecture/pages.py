"""The documentation as the tests read it: headings, tables, code, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"

_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Table:
    """A table and the heading it stands under. Cells are as they were written."""

    heading: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, number: int = 0) -> list[str]:
        return [row[number] for row in self.rows]


@dataclass(frozen=True)
class Link:
    """`[text](target)`, or with an exclamation mark before it an image."""

    text: str
    target: str
    is_image: bool


@dataclass(frozen=True)
class Page:
    """One file of Markdown."""

    path: Path
    text: str

    @property
    def prose(self) -> str:
        """All of it but the fenced code."""
        return _FENCE.sub("", self.text)

    @property
    def headings(self) -> list[str]:
        return [line.lstrip("# ") for line in self.prose.splitlines() if line.startswith("#")]

    @property
    def anchors(self) -> set[str]:
        """What a link behind `#` may name."""
        plain = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in self.headings)
        return {heading.replace(" ", "-") for heading in plain}

    @property
    def tables(self) -> list[Table]:
        return list(_tables(self.prose))

    def table(self, heading: str) -> Table:
        """The only table under a heading."""
        (found,) = [table for table in self.tables if table.heading == heading]
        return found

    def fenced(self, language: str) -> list[str]:
        return [body for word, body in _FENCE.findall(self.text) if word == language]

    @property
    def links(self) -> list[Link]:
        found = _LINK.findall(self.prose)
        return [Link(text, target, bool(mark)) for mark, text, target in found]


def page(name: str) -> Page:
    path = ROOT / name
    return Page(path, path.read_text(encoding="utf-8"))


def pages() -> list[Page]:
    """The READMEs and every page of `docs/`."""
    names = [ROOT / "README.md", ROOT / "sandbox/README.md", *sorted(DOCS.rglob("*.md"))]
    return [page(str(path.relative_to(ROOT))) for path in names]


def codes(cell: str) -> list[str]:
    """What stands between backticks."""
    return _CODE.findall(cell)


def _tables(text: str) -> Iterator[Table]:
    heading, lines = "", list[str]()
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            lines.append(line)
            continue
        if lines:
            head, _, *rows = map(_cells, lines)
            yield Table(heading, head, tuple(rows))
            lines = []
        if line.startswith("#"):
            heading = line.lstrip("# ")


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
