"""Which files can be imported."""

from enum import StrEnum


class Book(StrEnum):
    """What a file is about."""

    CUSTOMERS = "customers"
    USAGE = "usage"
    PEOPLE = "people"
