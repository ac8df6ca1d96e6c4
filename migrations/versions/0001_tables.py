"""Tables of people, customers, usage, bills and what is promised about them.

Revision ID: 0001
"""

from alembic import op

from migrations import run_file
from models.currencies import MINOR_UNITS

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_file("0001_tables.sql")
    op.get_bind().exec_driver_sql(
        "insert into currencies (code, minor_units) values (%s, %s)", list(MINOR_UNITS.items())
    )
