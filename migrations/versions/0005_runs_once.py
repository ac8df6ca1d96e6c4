"""One run for one asking, however often the click on Generate is delivered.

Revision ID: 0005
"""

from migrations import run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run("alter table runs add column asked_as text unique")
