"""Bills keep what Finance agreed not to bill of them.

Revision ID: 0010
"""

from migrations import run_file

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_file("0010_agreed_units.sql")
