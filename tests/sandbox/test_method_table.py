"""The table of methods against Slack's own reference."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sandbox.fake_slack.api.known_arguments import ARGUMENTS
from sandbox.fake_slack.api.methods import COMMON_ERRORS, METHODS, Method

DATA = Path(__file__).resolve().parents[3] / "shared" / "slack-data"
REFERENCE = DATA / "slack-api-ref" / "docs.slack.dev" / "methods"
pytestmark = pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"no reference at {REFERENCE}")

# Codes Slack answers though its reference does not list them for the method.
UNLISTED = {
    "chat.postMessage": {
        "thread_not_found",  # a reply whose parent was deleted
        "invalid_thread_ts",  # a thread_ts that is no timestamp
        "invalid_attachments",  # listed for chat.update and chat.postEphemeral
    },
    "chat.postEphemeral": {
        "thread_not_found",
        "invalid_thread_ts",
        "msg_blocks_too_long",  # listed for chat.postMessage, as the next two
        "invalid_metadata_format",
        "metadata_too_large",
    },
    "chat.update": {"msg_blocks_too_long"},
}
# Answered before the method is known, so no method lists them.
BEFORE_THE_METHOD = {"unknown_method", "invalid_json", "json_not_object"}
TIERS: dict[str, set[str | None]] = {"special": {"t5", None}, "post": {"t5"}}


@cache
def reference(name: str) -> dict[str, Any]:
    return dict(json.loads((REFERENCE / f"{name}.json").read_text()))


@cache
def common() -> set[str]:
    path = DATA / "slack_kit" / "priv" / "docs" / "common_errors.json"
    return set(json.loads(path.read_text()))


every_method = pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))


@every_method
def test_every_refusal_is_one_of_slacks(method: Method) -> None:
    listed = set(reference(method.name).get("errors", {})) | common()
    assert method.errors - listed == UNLISTED.get(method.name, set())


def test_every_common_refusal_is_one_of_slacks() -> None:
    assert COMMON_ERRORS - common() == BEFORE_THE_METHOD


@every_method
def test_the_rate_limit_is_the_published_one(method: Method) -> None:
    published = reference(method.name).get("rate_limits")
    assert published in TIERS.get(method.tier, {method.tier})


@every_method
def test_the_scope_is_one_that_grants_the_method(method: Method) -> None:
    granting = set(reference(method.name).get("scope", {}).get("bot", []))
    assert set(method.scopes) <= granting


@every_method
def test_what_is_required_is_required_by_slack(method: Method) -> None:
    required = set(reference(method.name)["args"].get("required") or []) - {"token"}
    # A reaction without its message is told so by a code of its own.
    assert required - set(method.required) <= {"timestamp", "channel"}
    assert set(method.required) <= required


@every_method
def test_the_arguments_are_those_of_the_reference(method: Method) -> None:
    known = set(reference(method.name)["args"].get("properties") or {})
    assert ARGUMENTS[method.name] == known - {"token", "team_id"}


@every_method
def test_json_is_read_where_slack_reads_it(method: Method) -> None:
    assert method.reads_json == bool(reference(method.name).get("json_input_supported"))
