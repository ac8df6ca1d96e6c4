"""Answers that only one person sees, and that are corrected.

Revision ID: 0028
"""

from migrations import run_file

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run_file("0028_private_answers.sql")
