"""Whoever refers to a person or a bill waits for no change of a name or a number.

Revision ID: 0015
"""

from migrations import run_file

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_file("0015_no_waiting_for_names.sql")
