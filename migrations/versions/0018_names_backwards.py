"""An index of customers' names by their ends.

Revision ID: 0018
"""

from migrations import run_file

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_file("0018_names_backwards.sql")
