"""Lists of bills to be sent have a table, since they may be long.

Revision ID: 0013
"""

from migrations import run_file

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_file("0013_send_lists.sql")
