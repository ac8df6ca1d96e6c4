"""The mailbox that answers to letters come to, and what is found there.

Revision ID: 0027
"""

from migrations import run_file

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_file("0027_mailbox.sql")
