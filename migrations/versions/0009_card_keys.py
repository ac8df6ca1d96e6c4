"""A card's key is its bill and its recipient.

Revision ID: 0009
"""

from migrations import run_file

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_file("0009_card_keys.sql")
