"""What every mapped class shares."""

from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, mapped_column

Id = Annotated[int, mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)]
MOST_CALLS = 2**63 - 1
Calls = Annotated[int, mapped_column(sa.BigInteger)]

# For signatures on the floors above, which know nothing of SQLAlchemy.
Session = AsyncSession


class Base(DeclarativeBase):
    """Tables as migrated; a test holds these classes equal to the migrations."""

    type_annotation_map = {str: sa.Text, datetime: sa.DateTime(timezone=True)}  # noqa: RUF012
