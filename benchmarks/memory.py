"""The memory that `countersign generate` takes, at companies of several sizes.

    python -m benchmarks.memory [--customers 10000 1000000]

The command as people type it, in a process of its own: shown first with `--dry-run`, then done,
then once more with nothing to add. Every customer has two months of usage, and bills of the first.
If anything of a month were held in the program, its peak would grow with the company.

Last figures, where others kept the machine busy (load 13):

    10,000 customers
        --dry-run         1.7 s   peak   75.0 MB
        generate          2.8 s   peak   75.8 MB
        again             1.4 s   peak   75.7 MB
    1,000,000 customers
        --dry-run       112.2 s   peak   74.9 MB
        generate        429.8 s   peak   75.7 MB
        again            92.6 s   peak   75.8 MB
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.company import company

WAYS = {"--dry-run": ["--dry-run"], "generate": [], "again": []}
WITH_ITS_PEAK = """
import atexit, sys
from benchmarks.cost import peak_mb
atexit.register(lambda: sys.stderr.write(f"\\n{peak_mb()}"))
from bot.cli.main import main
main()
"""


def peak_of(url: str, *words: str) -> float:
    """The peak of resident memory, in MB, of one command."""
    done = subprocess.run(
        [sys.executable, "-c", WITH_ITS_PEAK, *words],
        env=os.environ | {"DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stderr.splitlines()[-1])


def measured(url: str) -> list[str]:
    lines = []
    for name, more in WAYS.items():
        began = time.perf_counter()
        megabytes = peak_of(url, "generate", "2026-10", *more)
        took = time.perf_counter() - began
        lines.append(f"    {name:<12} {took:8.1f} s   peak {megabytes:6.1f} MB")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=[10_000, 1_000_000])
    options = parser.parse_args()
    for customers in options.customers:
        with (
            tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder,
            company(Path(folder), customers, months=1) as url,
        ):
            lines = measured(url)
        sys.stdout.write("\n".join([f"{customers:,} customers", *lines]) + "\n")


if __name__ == "__main__":
    main()
