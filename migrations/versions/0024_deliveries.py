"""What keeps letters from going out.

Revision ID: 0024
"""

from migrations import run_file

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_file("0024_deliveries.sql")
