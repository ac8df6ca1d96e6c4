"""What is over is found without looking through all that stays.

Revision ID: 0042
"""

from migrations import run_file

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    run_file("0042_pruning.sql")
