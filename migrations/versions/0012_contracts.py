"""A month that has gone out keeps its contract, and contract dates have a history.

Revision ID: 0012
"""

from migrations import run_file

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_file("0012_contracts.sql")
