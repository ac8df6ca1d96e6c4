"""Lists of bills that are approved together, and the Home tabs that people look at.

Revision ID: 0037
"""

from migrations import run_file

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    run_file("0037_approving_many.sql")
