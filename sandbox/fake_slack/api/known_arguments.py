"""The arguments each method has, and what is said of those that it has not.

Slack does what it is asked without an argument that it does not know, and warns in its answer.
"""

from collections.abc import Iterable, Mapping

from sandbox.fake_slack.shapes import JsonObject

_MESSAGE = "as_user attachments blocks link_names markdown_text metadata parse text"
_AUTHOR = "icon_emoji icon_url username"
_PAGE = "cursor limit"
_SPAN = "include_all_metadata inclusive latest oldest"
_VIEW = "interactivity_pointer view"
_REACTION = "channel name timestamp"

_TABLE = {
    "api.test": "error",
    "auth.test": "",
    "apps.connections.open": "",
    "bots.info": "bot",
    "chat.postMessage": f"""{_MESSAGE} {_AUTHOR} channel current_draft_last_updated_ts mrkdwn
        reply_broadcast thread_ts unfurl_links unfurl_media""",
    "chat.postEphemeral": f"{_MESSAGE} {_AUTHOR} channel thread_ts user",
    "chat.update": f"{_MESSAGE} channel file_ids reply_broadcast ts unfurled_attachments",
    "chat.delete": "as_user channel ts",
    "chat.getPermalink": "channel message_ts",
    "conversations.open": "channel prevent_creation return_im users",
    "conversations.info": "channel include_locale include_num_members",
    "conversations.history": f"{_PAGE} {_SPAN} channel",
    "conversations.replies": f"{_PAGE} {_SPAN} channel ts",
    "conversations.list": f"{_PAGE} exclude_archived types",
    "conversations.members": f"{_PAGE} channel",
    "conversations.join": "channel",
    "files.getUploadURLExternal": "alt_txt filename length snippet_type",
    "files.completeUploadExternal": f"""{_AUTHOR} blocks channel_id channels files
        initial_comment thread_ts""",
    "files.info": f"{_PAGE} count file page",
    "users.info": "include_locale user",
    "users.list": f"{_PAGE} include_locale",
    "users.lookupByEmail": "email",
    "users.conversations": f"{_PAGE} exclude_archived exclude_muted types user",
    "team.info": "domain team",
    "views.open": f"{_VIEW} trigger_id",
    "views.push": f"{_VIEW} trigger_id",
    "views.update": "external_id hash view view_id",
    "views.publish": f"{_VIEW} hash user_id",
    "reactions.add": _REACTION,
    "reactions.remove": f"{_REACTION} file file_comment",
    "usergroups.list": "include_count include_disabled include_users",
    "blocks.validate": "blocks message view",
    # Not a method: what an answer by response url, or in the receipt of a command, may hold.
    "response_url": """attachments blocks delete_original markdown_text metadata mrkdwn
        replace_original response_type text thread_ts unfurl_links unfurl_media""",
}
# Apps that serve several workspaces name the workspace in every call.
_ANYWHERE = frozenset({"team_id"})
ARGUMENTS = {name: frozenset(names.split()) for name, names in _TABLE.items()}


def unknown_arguments(name: str, given: Iterable[str]) -> list[str]:
    """What `name` was given and has not, sorted; of a method that is not here any are unknown to
    nobody."""
    known = ARGUMENTS.get(name)
    return [] if known is None else sorted(set(given) - known - _ANYWHERE)


def with_warnings(answer: Mapping[str, object], unknown: Iterable[str]) -> JsonObject:
    """The answer as Slack gives it with warnings: joined in `warning`, and each by itself."""
    metadata = answer.get("response_metadata")
    told = dict(metadata) if isinstance(metadata, dict) else {}
    warnings = [*told.get("warnings", ()), *(f"unknown_argument:{name}" for name in unknown)]
    if not warnings:
        return dict(answer)
    metadata = {**told, "warnings": warnings}
    return {**answer, "warning": ",".join(warnings), "response_metadata": metadata}
