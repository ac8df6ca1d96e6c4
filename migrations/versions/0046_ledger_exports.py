"""Which documents have gone to an accounting program.

Revision ID: 0046
"""

from migrations import run_file

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    run_file("0046_ledger_exports.sql")
