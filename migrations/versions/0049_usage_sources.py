"""Usage is asked of where it is metered, and each figure says where it came from.

Revision ID: 0049
"""

from migrations import run_file

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    run_file("0049_usage_sources.sql")
