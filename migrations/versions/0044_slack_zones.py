"""Where somebody is, as Slack says.

Revision ID: 0044
"""

from migrations import run_file

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    run_file("0044_slack_zones.sql")
