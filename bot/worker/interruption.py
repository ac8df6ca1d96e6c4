"""How the log tells that what goes on forever was interrupted."""

import structlog

from models.db.liveness import lost_because

log = structlog.get_logger()


def log_interrupted(event: str, error: Exception, **facts: object) -> None:
    """A database that went away is a warning with its cause; anything else shows where it was."""
    cause = lost_because(error)
    if cause is None:
        log.error(event, exc_info=error, **facts)
    else:
        log.warning(event, cause=cause, **facts)
