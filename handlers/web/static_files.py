"""Style and scripts of the pages, under addresses that change with what is in them."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, HTTPException, Response

from handlers.http.gate import Access, open_to

router = APIRouter()
FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"
DIGEST_SIGNS = 12


@dataclass(frozen=True)
class StaticFile:
    content: bytes
    media_type: str
    digest: str


@cache
def static_files() -> dict[str, StaticFile]:
    """Every file by its name, read once."""
    return {path.name: _read(path) for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES}


def static_url(name: str) -> str:
    """Where browsers find the file as it is now, and may keep it for ever."""
    return f"/static/{static_files()[name].digest}/{name}"


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:DIGEST_SIGNS]
    return StaticFile(content, MEDIA_TYPES[path.suffix], digest)


@router.get("/static/{digest}/{name}")
@open_to(Access.ANYBODY)
async def static_file(digest: str, name: str) -> Response:
    """A page of another version asks by another digest: it gets what there is, and keeps it not."""
    found = static_files().get(name)
    if found is None:
        raise HTTPException(404)
    headers = {"Cache-Control": FOR_EVER} if digest == found.digest else {}
    return Response(found.content, media_type=found.media_type, headers=headers)
