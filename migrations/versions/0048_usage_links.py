"""Links by which customers see what is behind their bill.

Revision ID: 0048
"""

from migrations import run_file

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    run_file("0048_usage_links.sql")
