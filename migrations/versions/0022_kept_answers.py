"""Requests that are answered once, however often they come.

Revision ID: 0022
"""

from migrations import run_file

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_file("0022_kept_answers.sql")
