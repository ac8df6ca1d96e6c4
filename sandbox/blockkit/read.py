"""Finds the text that people see in a JSON value, led by the same tables that judge it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .grammar import Items, Nullable, Record, Spec, String, Variant, length


class Run(NamedTuple):
    """One stretch of text, with the length Slack gives it."""

    text: str
    size: int


def runs(spec: Spec, value: object) -> Iterator[Run]:
    """Every stretch of text in document order; what does not fit the table is passed over."""
    match spec:
        case String(shown=True) if isinstance(value, str) and value:
            yield Run(value, length(value, mrkdwn=spec.mrkdwn))
        case Nullable():
            yield from runs(spec.of, value)
        case Items() if isinstance(value, list):
            for item in value:
                yield from runs(spec.of, item)
        case Record() if isinstance(value, dict):
            yield from _of_fields(spec, value)
        case Variant() if isinstance(value, dict):
            kind = spec.kind_of(value)
            yield from _of_fields(kind, value) if kind else ()


def _of_fields(spec: Record, value: Mapping[str, object]) -> Iterator[Run]:
    for name, field in value.items():
        expected = spec.spec_of(name)
        if expected is not None:
            yield from runs(expected, field)


def size(spec: Spec, value: object) -> int:
    """Characters of all the text in `value`."""
    return sum(run.size for run in runs(spec, value))
