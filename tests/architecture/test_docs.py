"""The documentation leads somewhere: links, pictures, files and targets it names are there."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.pages import DOCS, ROOT, Page, codes, page, pages

LARGEST_IMAGE = 200_000
PACKAGES = ("bot", "handlers", "models", "sandbox")
TOP = "|".join((*PACKAGES, "migrations", "tests", "docs", "benchmarks"))
# Put together here, so that this file passes its own test.
MACHINES = [f"/{folder}/" for folder in ("work", "root", "home", "Users")]
REGISTRIES = [
    ".".join(host)
    for host in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("crates", "io"),
        ("rubygems", "org"),
    )
]

every_page = pytest.mark.parametrize(
    "one", pages(), ids=lambda one: str(one.path.relative_to(ROOT))
)


@every_page
def test_every_link_leads_somewhere(one: Page) -> None:
    for link in one.links:
        target, _, anchor = link.target.partition("#")
        if target.startswith(("http:", "https:")):
            continue
        path = (one.path.parent / target).resolve() if target else one.path
        assert path.exists(), link
        if anchor:
            assert anchor in page(str(path.relative_to(ROOT))).anchors, link


@every_page
def test_every_picture_says_its_finding_and_is_small(one: Page) -> None:
    for image in [link for link in one.links if link.is_image]:
        assert len(image.text.split()) >= 5, image
        assert (one.path.parent / image.target).stat().st_size < LARGEST_IMAGE, image


def test_every_picture_is_shown_somewhere() -> None:
    shown = {(one.path.parent / link.target).resolve() for one in pages() for link in one.links}
    assert set((DOCS / "images").iterdir()) <= shown


@every_page
def test_every_file_it_names_is_there(one: Page) -> None:
    for path in _files_named(one):
        assert (ROOT / path).exists(), path


def test_every_module_is_named_in_the_architecture() -> None:
    """By itself, or by the room it stands in: a folder below one of the packages."""
    named = set(_files_named(page("docs/architecture.md")))
    rooms = {name for name in named if re.fullmatch(r"\w+(/\w+)+/", name)}
    modules = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py" and f"{path.parent.relative_to(ROOT)}/" not in rooms
    }
    assert modules - named == set()


def _files_named(one: Page) -> Iterator[str]:
    for said in codes(one.prose):
        if re.fullmatch(rf"({TOP})/[\w./-]*", said):
            yield said


@every_page
def test_every_make_target_it_names_is_there(one: Page) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w./-]+)(?=[ \w./-]*:(?!=))", makefile, re.MULTILINE))
    said = [*codes(one.prose), *one.fenced("sh")]
    named = {word for text in said for word in re.findall(r"(?:^|\s)make ([\w.]+)", text)}
    assert named <= targets


def test_every_decision_is_listed() -> None:
    folder = DOCS / "decisions"
    listed = {link.target: link.text for link in page("docs/decisions/README.md").links}
    titles = {
        path.name: page(str(path.relative_to(ROOT))).headings[0]
        for path in folder.glob("[0-9]*.md")
    }
    assert listed == titles


def test_every_page_can_be_reached_from_the_readme() -> None:
    links = {
        one.path: {
            (one.path.parent / link.target.partition("#")[0]).resolve() for link in one.links
        }
        for one in pages()
    }
    reached, ahead = set[Path](), {ROOT / "README.md"}
    while ahead:
        reached |= ahead
        ahead = {target for path in ahead for target in links[path] & links.keys()} - reached
    assert reached == links.keys()


def test_the_changelog_tells_of_what_is_not_released_yet() -> None:
    changelog = page("CHANGELOG.md")
    assert "Unreleased" in changelog.headings


def test_no_file_tells_of_a_machine_or_a_registry() -> None:
    telling = [
        f"{path}: {word}"
        for path, text in _tracked_texts()
        for word in (*MACHINES, *REGISTRIES)
        if word in text
    ]
    assert telling == []


def _tracked_texts() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no checkout of git")
    for name in listed.stdout.split("\0"):
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8") if name else ""
        except (UnicodeDecodeError, FileNotFoundError):
            continue
