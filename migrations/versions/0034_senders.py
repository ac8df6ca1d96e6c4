"""A letter is mailed again in the name in which it was mailed first.

Revision ID: 0034
"""

from migrations import run_file

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    run_file("0034_senders.sql")
