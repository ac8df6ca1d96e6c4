"""An index of what was given up, which a run's message tells of.

Revision ID: 0006
"""

from migrations import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run("create index postings_given_up on postings (kind) where state = 'failed' and ts is null")
