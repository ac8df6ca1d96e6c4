"""Messages of two installations never have one `Message-ID`.

Revision ID: 0025
"""

from migrations import run_file

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_file("0025_message_ids.sql")
