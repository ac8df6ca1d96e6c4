"""Schema revisions, applied by `countersign migrate`."""

from pathlib import Path

from alembic import op

HERE = Path(__file__).parent


def run_file(name: str) -> None:
    run((HERE / "sql" / name).read_text(encoding="utf-8"))


def run(statements: str) -> None:
    """Run a script as it is: a percent sign in it is a percent sign."""
    cursor = op.get_bind().connection.cursor()
    cursor.execute(statements)
    cursor.close()
