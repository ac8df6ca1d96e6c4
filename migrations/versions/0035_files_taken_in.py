"""A file that was taken in says so, as long as it would have been kept.

Revision ID: 0035
"""

from migrations import run_file

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    run_file("0035_files_taken_in.sql")
