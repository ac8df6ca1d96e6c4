"""Devices, tokens for scripts, one-time links, and attempts to get in.

Revision ID: 0020
"""

from migrations import run_file

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_file("0020_accounts.sql")
