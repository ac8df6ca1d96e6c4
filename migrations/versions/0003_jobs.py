"""The tables of durable jobs, as procrastinate 3.10 defines them.

A later release of procrastinate brings numbered SQL migrations; each becomes a revision here.

Revision ID: 0003
"""

from procrastinate.schema import SchemaManager

from migrations import run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run(SchemaManager.get_schema())
