"""The pace at which letters go out.

Revision ID: 0026
"""

from migrations import run_file

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_file("0026_mail_pace.sql")
