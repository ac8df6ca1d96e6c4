"""Which books there are, and in which forms they are written."""

from enum import StrEnum


class Table(StrEnum):
    BILLS = "bills"
    ACTIONS = "actions"
    USAGE = "usage"
    CUSTOMERS = "customers"
    PEOPLE = "people"


DATED = (Table.BILLS, Table.ACTIONS, Table.USAGE)
"""Those of which a month or a bill can be had alone."""


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


class LedgerFormat(StrEnum):
    """The accounting programs for which entries are written."""

    HLEDGER = "hledger"
    LEDGER = "ledger"
    BEANCOUNT = "beancount"
    DATEV = "datev"
    XERO = "xero"
    QUICKBOOKS = "quickbooks"
