"""Finds what one person decided.

Revision ID: 0031
"""

from migrations import run_file

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run_file("0031_decisions_by_person.sql")
