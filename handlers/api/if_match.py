"""ETags, and `If-Match`, which names those that came with what was seen."""

from typing import Annotated

from fastapi import Header

ANY = "*"
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The ETag that came with what was seen, several with commas between them, or"
        " `*`. Where none of them is the one by now, a weak one among them, that is 409.",
    ),
]


def etag(version: int | str) -> str:
    return f'"{version}"'


def named(if_match: str | None) -> frozenset[str]:
    """The tags as they stand in it; without the header, any."""
    return frozenset(tag.strip() for tag in (if_match or ANY).split(","))
