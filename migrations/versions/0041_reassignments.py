"""Finance may ask another approver for one bill.

Revision ID: 0041
"""

from migrations import run_file

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    run_file("0041_reassignments.sql")
