"""What the whole life of a bill needs: numbers, documents, policies, and what is billed so far.

Revision ID: 0007
"""

from migrations import run_file

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_file("0003_whole_life.sql")
