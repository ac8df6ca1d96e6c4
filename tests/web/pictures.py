"""`python -m tests.web.pictures`: the pictures of `docs/reference/page-pictures.md`, taken anew.

Each shows one page at both widths and in both themes, side by side, and long pages cut. What is
taken is what `test_every_page` looks at.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import get_args

from PIL import Image

from tests.web.every_page import PHONE, WIDE, Theme

ROOT = Path(__file__).parent.parent.parent
PAGE, IMAGES = ROOT / "docs/reference/page-pictures.md", ROOT / "docs/images"
TAKEN = ("-k", "finance_sees or (others_see and not Max)")
SCALES = {WIDE["width"]: 0.42, PHONE["width"]: 0.5}
MOST_HEIGHT, BETWEEN, COLOURS = 620, 8, 64
THEMES: tuple[Theme, ...] = get_args(Theme)
GREY = (128, 128, 128)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        taking = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "tests/web/test_every_page.py", *TAKEN],
            cwd=ROOT,
            env=os.environ | {"COUNTERSIGN_PICTURES": folder},
            check=False,
        )
        if taking.returncode:
            return taking.returncode
        compose(Path(folder))
    return 0


def compose(folder: Path) -> None:
    """One picture for each page that has all four of its own in the folder: those that are shown,
    and no others.
    """
    shown = set(re.findall(r"images/page-(.+?)\.png", PAGE.read_text(encoding="utf-8")))
    for first in sorted(folder.glob(f"*-{WIDE['width']}-{THEMES[0]}.png")):
        page = first.name.removesuffix(f"-{WIDE['width']}-{THEMES[0]}.png")
        name = page.replace("_id", "")
        if name not in shown:
            raise SystemExit(f"{PAGE.name} does not show {name}.")
        _side_by_side(folder, page).save(IMAGES / f"page-{name}.png", optimize=True)
        shown.remove(name)
    if shown:
        raise SystemExit(f"No pictures were taken of: {', '.join(sorted(shown))}.")


def _side_by_side(folder: Path, page: str) -> Image.Image:
    each = [
        _scaled(folder / f"{page}-{width}-{theme}.png", scale)
        for width, scale in SCALES.items()
        for theme in THEMES
    ]
    width = sum(one.width + BETWEEN for one in each) - BETWEEN
    whole = Image.new("RGB", (width, max(one.height for one in each)), GREY)
    left = 0
    for one in each:
        whole.paste(one, (left, 0))
        left += one.width + BETWEEN
    return whole.quantize(COLOURS, Image.Quantize.FASTOCTREE)


def _scaled(path: Path, scale: float) -> Image.Image:
    with Image.open(path) as taken:
        size = (int(taken.width * scale), int(taken.height * scale))
        small = taken.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return small.crop((0, 0, small.width, min(small.height, MOST_HEIGHT)))


if __name__ == "__main__":
    sys.exit(main())
