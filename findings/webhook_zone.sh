#!/usr/bin/env bash
# standardwebhooks 1.1.0: a moment told in another zone than UTC is signed as another moment.
#
# Expected: `Webhook.sign` takes an aware datetime for the moment that it is, so that whoever sends
#   the header `webhook-timestamp` of that moment is verified.
# Found: it puts UTC in the place of the zone without converting. What is signed at 12:00+02:00 is
#   signed for 12:00 UTC, and the library's own `verify` refuses it. A naive local time is taken for
#   UTC as well.
# Cure: hand it moments in UTC alone.
# Output when it was written:
#   standardwebhooks 1.1.0
#     UTC: taken
#     +02:00, the same moment: No matching signature found
#
# Needs a package index. Exits with 1 where another release does otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check standardwebhooks==1.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook("whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
utc = datetime.now(timezone.utc).replace(microsecond=0)
elsewhere = utc.astimezone(timezone(timedelta(hours=2)))


def outcome(moment: datetime) -> str:
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": webhook.sign("msg_1", moment, "{}"),
    }
    try:
        webhook.verify("{}", headers)
    except WebhookVerificationError as refused:
        return str(refused)
    return "taken"


print("standardwebhooks", version("standardwebhooks"))
print("  UTC:", outcome(utc))
print("  +02:00, the same moment:", outcome(elsewhere))
sys.exit(outcome(utc) != "taken" or outcome(elsewhere) != "No matching signature found")
PYTHON
