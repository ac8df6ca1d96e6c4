"""Finds the documents that could not be e-invoices.

Revision ID: 0029
"""

from migrations import run_file

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    run_file("0029_no_e_invoices.sql")
