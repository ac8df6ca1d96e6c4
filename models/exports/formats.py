"""Which books there are, and in which forms they are written."""

from enum import StrEnum


class Table(StrEnum):
    BILLS = "bills"
    ACTIONS = "actions"
    USAGE = "usage"


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
