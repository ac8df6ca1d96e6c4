"""Who has left Slack.

Revision ID: 0045
"""

from migrations import run_file

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    run_file("0045_left_slack.sql")
