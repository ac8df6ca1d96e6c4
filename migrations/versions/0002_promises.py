"""The database's own promises: an append-only record, and no bill version without its action.

Revision ID: 0002
"""

from migrations import run_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_file("0002_promises.sql")
