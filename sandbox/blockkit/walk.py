"""Judges a JSON value by a spec and says every way in which it falls short."""

from __future__ import annotations

import math
from collections.abc import Iterator, Set
from typing import NamedTuple

from .grammar import (
    Flag,
    Items,
    Nullable,
    Number,
    Record,
    Spec,
    String,
    Surface,
    Variant,
    length,
)


class Shortcoming(NamedTuple):
    """A shortcoming; `code` is empty unless Slack has an error of its own for it."""

    pointer: str
    message: str
    code: str = ""


def faults(spec: Spec, value: object, pointer: str, surface: Surface) -> Iterator[Shortcoming]:
    """Every fault of `value`, which stands at `pointer` on `surface`. Never raises."""
    match spec:
        case String():
            yield from _string(spec, value, pointer)
        case Number():
            yield from _number(spec, value, pointer)
        case Flag():
            if not isinstance(value, bool):
                yield Shortcoming(pointer, "must provide a boolean")
        case Nullable():
            if value is not None:
                yield from faults(spec.of, value, pointer, surface)
        case Items():
            yield from _items(spec, value, pointer, surface)
        case Record():
            yield from _record(spec, value, pointer, surface)
        case Variant():
            yield from _variant(spec, value, pointer, surface)


def _string(spec: String, value: object, pointer: str) -> Iterator[Shortcoming]:
    if not isinstance(value, str):
        yield Shortcoming(pointer, "must provide a string")
        return
    size = length(value, mrkdwn=spec.mrkdwn)
    if size < spec.least:
        yield Shortcoming(pointer, f"must be more than {spec.least - 1} characters")
    elif spec.most is not None and size > spec.most:
        yield Shortcoming(pointer, f"must be less than {spec.most + 1} characters")
    elif spec.among and value not in spec.among:
        yield Shortcoming(pointer, f"must be one of: {', '.join(spec.among)}")
    elif spec.shape and not spec.shape.fullmatch(value):
        yield Shortcoming(pointer, "must be in the documented format")


def _number(spec: Number, value: object, pointer: str) -> Iterator[Shortcoming]:
    if not isinstance(value, int | float) or not _is_countable(value):
        yield Shortcoming(pointer, "must provide a number")
    elif spec.whole and not isinstance(value, int):
        yield Shortcoming(pointer, "must provide an integer")
    elif spec.least is not None and value < spec.least:
        yield Shortcoming(pointer, f"must be at least {spec.least}")
    elif spec.most is not None and value > spec.most:
        yield Shortcoming(pointer, f"must be at most {spec.most}")
    elif spec.above is not None and value <= spec.above:
        yield Shortcoming(pointer, f"must be more than {spec.above}")


def _is_countable(value: float) -> bool:
    return not isinstance(value, bool) and (isinstance(value, int) or math.isfinite(value))


def _items(spec: Items, value: object, pointer: str, surface: Surface) -> Iterator[Shortcoming]:
    if not isinstance(value, list):
        yield Shortcoming(pointer, "must provide an array")
        return
    if len(value) < spec.least:
        yield Shortcoming(pointer, f"no fewer than {spec.least} items allowed")
    if spec.most is not None and len(value) > spec.most:
        yield Shortcoming(pointer, f"no more than {spec.most} items allowed", spec.excess)
    for index, item in enumerate(value):
        yield from faults(spec.of, item, f"{pointer}/{index}", surface)


def _variant(spec: Variant, value: object, pointer: str, surface: Surface) -> Iterator[Shortcoming]:
    kind = spec.kind_of(value)
    if not isinstance(value, dict):
        yield Shortcoming(pointer, "must provide an object")
    elif "type" not in value:
        yield Shortcoming(pointer, "missing required field: type")
    elif not isinstance(value["type"], str):
        yield Shortcoming(f"{pointer}/type", "must provide a string")
    elif kind is None or surface not in kind.surfaces:
        yield Shortcoming(f"{pointer}/type", f"unsupported type: {value['type']}")
    else:
        fields = {name: field for name, field in value.items() if name != "type"}
        yield from _record(kind, fields, pointer, surface)


def _record(spec: Record, value: object, pointer: str, surface: Surface) -> Iterator[Shortcoming]:
    if not isinstance(value, dict):
        yield Shortcoming(pointer, "must provide an object")
        return
    yield from _presence(spec, value.keys(), pointer)
    for name, field in value.items():
        expected = spec.spec_of(name)
        if expected is None:
            yield Shortcoming(pointer, f"invalid additional property: {name}")
        else:
            yield from faults(expected, field, f"{pointer}/{name}", surface)


def _presence(spec: Record, given: Set[str], pointer: str) -> Iterator[Shortcoming]:
    for name in spec.need:
        if name not in given:
            yield Shortcoming(pointer, f"missing required field: {name}")
    for group in spec.some:
        if given.isdisjoint(group):
            yield Shortcoming(pointer, f"missing required field: {' or '.join(group)}")
    for group in spec.exclusive:
        if len(given & set(group)) > 1:
            yield Shortcoming(pointer, f"must provide only one of: {', '.join(group)}")
