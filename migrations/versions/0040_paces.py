"""What is drawn anew out of courtesy keeps one pace in all processes.

Revision ID: 0040
"""

from migrations import run_file

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    run_file("0040_paces.sql")
