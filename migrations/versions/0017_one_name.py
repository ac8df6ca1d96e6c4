"""One customer, one name: every name that a customer had finds it, and is nobody else's.

Revision ID: 0017
"""

from migrations import run_file

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_file("0017_one_name.sql")
