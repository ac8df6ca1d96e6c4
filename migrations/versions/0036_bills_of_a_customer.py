"""The bills of one customer are found in the order of lists.

Revision ID: 0036
"""

from migrations import run_file

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    run_file("0036_bills_of_a_customer.sql")
