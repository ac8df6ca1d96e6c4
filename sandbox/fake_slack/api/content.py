"""What a message may say: text, blocks, attachments and metadata as Slack accepts them.

Shared by `chat.*` methods and response urls, which refuse the same things.
"""

import json
from dataclasses import dataclass
from typing import Any

from sandbox.blockkit import Flaw, check_message
from sandbox.fake_slack.api.arguments import Args
from sandbox.fake_slack.shapes import JsonObject, SlackError
from sandbox.fake_slack.world.elements import complete_blocks, images_of
from sandbox.fake_slack.world.slack import Slack

TEXT_CHARS = 40_000
UPDATE_CHARS = 4_000
_MARKDOWN_CHARS = 12_000
_METADATA_BYTES = 8_000
_ATTACHMENTS = 100


@dataclass(frozen=True)
class Content:
    """The parts of a message that were given; None where an argument was left out."""

    text: str | None
    blocks: list[JsonObject] | None
    attachments: list[JsonObject] | None
    metadata: JsonObject | None

    def fields(self) -> JsonObject:
        """Fields of a new message."""
        made: JsonObject = {"text": self.text or ""}
        for key, value in (
            ("blocks", self.blocks),
            ("attachments", self.attachments),
            ("metadata", self.metadata),
        ):
            if value:
                made[key] = value
        return made

    def changes(self) -> JsonObject:
        """Fields an update replaces: what was left out stays, what was given empty goes."""
        given = {
            "text": self.text,
            "blocks": self.blocks,
            "attachments": self.attachments,
            "metadata": self.metadata,
        }
        return {
            key: value if value or key == "text" else None
            for key, value in given.items()
            if value is not None
        }


def read_content(slack: Slack, args: Args, *, longest: int | None = None) -> Content:
    """The content of a call, checked. `longest` refuses longer text; without it, it is cut."""
    text = args.text("text") if args.given("text") else None
    blocks = args.structure("blocks", "invalid_blocks_format")
    attachments = args.structure("attachments", "invalid_attachments")
    markdown = args.text("markdown_text")
    if markdown:
        blocks, text = _from_markdown(markdown, text, blocks)
    _check_blocks(slack, blocks, attachments)
    if not (text or blocks or attachments):
        raise SlackError("no_text")
    if longest is not None and len(text or "") > longest:
        raise SlackError("msg_too_long")
    return Content(
        text if text is None else text[:TEXT_CHARS],
        None if blocks is None else complete_blocks(blocks),
        attachments,
        _metadata(args),
    )


def _from_markdown(
    markdown: str, text: str | None, blocks: list[JsonObject] | None
) -> tuple[list[JsonObject], str]:
    if text or blocks:
        raise SlackError("markdown_text_conflict")
    if len(markdown) > _MARKDOWN_CHARS:
        raise SlackError("msg_blocks_too_long")
    return [{"type": "markdown", "text": markdown}], markdown


def _check_blocks(slack: Slack, blocks: Any, attachments: Any) -> None:
    if isinstance(attachments, list) and len(attachments) > _ATTACHMENTS:
        raise SlackError("too_many_attachments")
    flaws = check_message(blocks, attachments) or image_flaws(slack, blocks, "/blocks")
    if flaws:
        raise refusal(flaws)


def image_flaws(slack: Slack, blocks: Any, pointer: str) -> list[Flaw]:
    """Images of files that are not there, or not yet complete."""
    return [
        Flaw(place, "invalid slack file", "invalid_blocks")
        for place, slack_file in images_of(blocks, pointer)
        if not slack.stores(slack_file)
    ]


def refusal(flaws: list[Flaw]) -> SlackError:
    """The error for a message with flaws: each one with its place, in both of Slack's forms."""
    errors = [f"{flaw.message} [json-pointer:{flaw.pointer}]" for flaw in flaws]
    messages = [f"[ERROR] {error}" for error in errors]
    return SlackError.with_messages(flaws[0].code, messages, errors=errors)


def _metadata(args: Args) -> JsonObject | None:
    metadata = args.structure("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if metadata == {}:
        return {}
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if not metadata.get("event_type") or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(metadata).encode()) > _METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return {"event_type": metadata["event_type"], "event_payload": metadata["event_payload"]}
