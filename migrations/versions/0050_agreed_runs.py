"""What a month's generation was agreed to make.

Revision ID: 0050
"""

from migrations import run_file

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    run_file("0050_agreed_runs.sql")
