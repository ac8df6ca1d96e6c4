"""Why a customer was changed, beside what.

Revision ID: 0032
"""

from migrations import run_file

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    run_file("0032_customer_edits.sql")
