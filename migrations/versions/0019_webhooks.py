"""Webhooks, what they are promised, and each attempt at it.

Revision ID: 0019
"""

from migrations import run_file

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_file("0019_webhooks.sql")
