"""What is found about the usage of a running month is told once, unless the customer is muted.

Revision ID: 0043
"""

from migrations import run_file

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    run_file("0043_usage_alerts.sql")
