"""Who is away by their status in Slack.

Revision ID: 0047
"""

from migrations import run_file

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    run_file("0047_away_statuses.sql")
