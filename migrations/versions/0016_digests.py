"""An index by which the digest that stands for a card is found.

Revision ID: 0016
"""

from migrations import run_file

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_file("0016_digests.sql")
