"""In which lists a bill was sent.

Revision ID: 0030
"""

from migrations import run_file

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run_file("0030_lists_of_bills.sql")
