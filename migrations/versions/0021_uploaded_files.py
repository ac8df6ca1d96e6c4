"""Files that are looked at before they are taken in.

Revision ID: 0021
"""

from migrations import run_file

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_file("0021_uploaded_files.sql")
