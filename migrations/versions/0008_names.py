"""Our own tables get the names of their trade, and rules in SQL a current text.

Revision ID: 0008
"""

from migrations import run_file

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_file("0008_names.sql")
