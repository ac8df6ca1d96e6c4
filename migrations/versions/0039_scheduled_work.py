"""What time brings about, and when it was done.

Revision ID: 0039
"""

from migrations import run_file

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    run_file("0039_scheduled_work.sql")
