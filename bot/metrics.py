"""What this process counts of its own work, for whoever watches over it."""

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

SLACK_ERRORS = Counter(
    "countersign_slack_errors",
    "Calls to Slack that it refused or did not answer, by its error code or what failed.",
    ["code"],
    registry=REGISTRY,
)
REDRAW = Histogram(
    "countersign_redraw_seconds",
    "From the last action on a bill to a card of it that shows it.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
    registry=REGISTRY,
)
LETTERS = Counter(
    "countersign_letters",
    "Tries to mail a bill: delivered, dry_run, put_off to be tried again, or failed for good.",
    ["outcome"],
    registry=REGISTRY,
)
LETTER_OUTCOMES = ("delivered", "dry_run", "put_off", "failed")
for _outcome in LETTER_OUTCOMES:
    LETTERS.labels(_outcome)
