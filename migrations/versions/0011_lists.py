"""Indexes by which lists, and what waits for a person, are read in their order.

Revision ID: 0011
"""

from migrations import run_file

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_file("0011_lists.sql")
