#!/usr/bin/env bash
# slack_sdk 3.47.0: one call of chat.postMessage becomes two messages.
#
# Expected: a client whose post was taken, but whose connection broke before the answer, raises and
#   leaves it to the caller: nobody but the caller knows whether a second message does harm.
# Found: AsyncWebClient and AsyncWebhookClient made without `retry_handlers` carry
#   AsyncConnectionErrorRetryHandler(max_retry_count=1), which sends the post a second time. The
#   caller learns nothing of it where the second answer arrives. This holds for response addresses,
#   and for Bolt's `respond`, which makes such a client by itself.
# Cure: `retry_handlers=[]` for whatever may be sent once, as in bot/slack/retrying.py.
# Output when it was written:
#   slack_sdk 3.47.0, aiohttp 3.14.5; messages after one call:
#     method, default: 2
#     method, none: 1
#     address, default: 2
#     address, none: 1
#
# Needs a package index. Exits with 1 where another release does otherwise.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check slack_sdk==3.47.0 aiohttp==3.14.5
"$folder/venv/bin/python" "$here/repeated_post.py"
