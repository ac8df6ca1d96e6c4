"""What was told of a bill's troubles is found when the bill moves.

Revision ID: 0038
"""

from migrations import run_file

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    run_file("0038_notices_of_a_bill.sql")
