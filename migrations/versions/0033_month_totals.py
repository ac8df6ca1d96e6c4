"""What a month's bills come to, kept beside them.

Revision ID: 0033
"""

from migrations import run_file

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    run_file("0033_month_totals.sql")
