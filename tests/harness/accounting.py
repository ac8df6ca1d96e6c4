"""The accounting programs themselves, and what they make of a file."""

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from models.exports.formats import LedgerFormat

Balances = dict[str, dict[str, Decimal]]
"""By account, by currency."""

_AMOUNT = re.compile(r"(-?[0-9.]+) ([A-Z]{3})")


def balances(form: LedgerFormat, file: Path) -> Balances:
    """What each account comes to, as the program adds it up; fails where it minds the file."""
    return _READERS[form](file)


def sums(postings: Iterable[tuple[str, Decimal, str]]) -> Balances:
    """The same of accounts, amounts and currencies, without those that come to nothing."""
    added: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for account, amount, currency in postings:
        added[account][currency] += amount
    kept = {account: {c: a for c, a in by.items() if a} for account, by in added.items()}
    return {account: by for account, by in kept.items() if by}


def _hledger(file: Path) -> Balances:
    _run("hledger", "-f", file, "check")
    told = _run("hledger", "-f", file, "balance", "--flat", "-N", "-O", "csv")
    return sums(
        (account, Decimal(amount), currency)
        for account, amounts in _cells(told)
        for amount, currency in _AMOUNT.findall(amounts)
    )


def _cells(told: str) -> Iterable[tuple[str, str]]:
    return re.findall(r'^"(.*?)","(.*?)"$', told, re.MULTILINE)[1:]


def _ledger(file: Path) -> Balances:
    form = "%(account)\\t%(quantity(amount))\\t%(commodity(amount))\\n"
    told = _run("ledger", "-f", file, "--args-only", "register", "--format", form)
    rows = (line.split("\t") for line in told.splitlines())
    return sums((account, Decimal(amount), currency) for account, amount, currency in rows)


def _beancount(file: Path) -> Balances:
    _run(Path(sys.executable).with_name("bean-check"), file)
    program = (
        "import sys\n"
        "from beancount.loader import load_file\n"
        "entries, errors, _ = load_file(sys.argv[1])\n"
        "for entry in entries:\n"
        "    for one in getattr(entry, 'postings', ()):\n"
        "        print(one.account, one.units.number, one.units.currency)\n"
    )
    told = _run(sys.executable, "-c", program, file)
    rows = (line.split(" ") for line in told.splitlines())
    return sums((account, Decimal(amount), currency) for account, amount, currency in rows)


_READERS = {
    LedgerFormat.HLEDGER: _hledger,
    LedgerFormat.LEDGER: _ledger,
    LedgerFormat.BEANCOUNT: _beancount,
}
REAL = tuple(_READERS)
"""The programs that run here."""


def _run(program: str | Path, *words: str | Path) -> str:
    if isinstance(program, str) and not shutil.which(program):
        pytest.skip(f"{program} is missing: `apt-get install {program}`")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def totals(found: Mapping[str, Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """All accounts together by currency, which is nothing where each entry balances."""
    added: defaultdict[str, Decimal] = defaultdict(Decimal)
    for by in found.values():
        for currency, amount in by.items():
            added[currency] += amount
    return dict(added)
