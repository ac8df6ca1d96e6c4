"""What a document says is kept beside it, so that all that follows it speaks from there.

Revision ID: 0023
"""

from migrations import run_file

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_file("0023_issued_facts.sql")
