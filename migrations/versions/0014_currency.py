"""The currency of terms by month, and of a customer's rules.

Revision ID: 0014
"""

from migrations import run_file

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_file("0014_currency.sql")
