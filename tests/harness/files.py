"""CSV files, loaded as a person or the command line would."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa

from models.db.database import Database
from models.imports.files import Imported, import_customers, import_people, import_usage
from models.imports.rows import BadRows, Flaw
from models.people.users import User

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
IMPORTS = {"customers": import_customers, "usage": import_usage, "people": import_people}
HEADERS = {
    "customers": "name,csm,sales,billing_address,billing_email,currency,monthly_api_limit,"
    "overage_unit_cost,start_date,end_date,require_csm_approval,require_sales_approval",
    "usage": "customer,year,month,api_usage",
    "people": "name,email,role,slack_user_id",
}
ACME = "Acme,Kim,Sam,1 Road,ap@acme.example,USD,1000,0.002,2024-01-01,,true,false"


async def load(db: Database, user: User, kind: str, content: str | bytes, **more: Any) -> Imported:
    data = content if isinstance(content, bytes) else content.encode()
    async with db.long_transaction() as session:
        return await IMPORTS[kind](session, BytesIO(data), user, NOW, **more)


async def load_rows(db: Database, user: User, kind: str, *rows: str) -> Imported:
    return await load(db, user, kind, "\n".join((HEADERS[kind], *rows)))


async def flaws_of(db: Database, user: User, kind: str, *rows: str) -> list[Flaw]:
    with pytest.raises(BadRows) as refused:
        await load_rows(db, user, kind, *rows)
    assert refused.value.total == len(refused.value.flaws)
    return refused.value.flaws


async def rows_of(db: Database, query: str) -> list[Any]:
    async with db.transaction() as session:
        return [tuple(row) for row in await session.execute(sa.text(query))]
