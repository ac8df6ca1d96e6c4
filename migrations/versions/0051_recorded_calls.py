"""What figures were recorded as.

Revision ID: 0051
"""

from migrations import run_file

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    run_file("0051_recorded_calls.sql")
