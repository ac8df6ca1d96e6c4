"""Texts from outside, trimmed and bounded."""

from models.errors import Invalid

REASON_CHARS = 3_000


def reason_text(text: str | None) -> str:
    """Why somebody does something, in their own words; refuses none at all."""
    return bounded_text(text, REASON_CHARS, "A reason", "reason")


def bounded_text(text: str | None, limit_chars: int, what: str, field: str) -> str:
    """A text from outside, trimmed; refuses an empty one and one over the limit.

    What PostgreSQL cannot keep is left out (NUL) or marked (half a surrogate pair).
    """
    kept = (text or "").replace("\x00", "").encode(errors="replace").decode()
    stripped = kept.strip()
    if not stripped:
        raise Invalid(f"{what} is needed.", field)
    if len(stripped) > limit_chars:
        size = f"{len(stripped):,}"
        raise Invalid(f"{what} has at most {limit_chars:,} characters; this has {size}.", field)
    return stripped
