"""The Web API methods served: who may call each, how often, with what, and how it may refuse."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sandbox.fake_slack.api import chat, conversations, uploads, users, views
from sandbox.fake_slack.api.context import Call
from sandbox.fake_slack.shapes import JsonObject

Handler = Callable[[Call], Awaitable[JsonObject]]

# Answered by the front door, whatever the method.
_COMMON = """
    not_authed invalid_auth account_inactive token_revoked token_expired not_allowed_token_type
    missing_scope invalid_arguments invalid_form_data invalid_post_type missing_post_type
    ratelimited fatal_error internal_error service_unavailable request_timeout unknown_method
    invalid_json json_not_object
"""
COMMON_ERRORS = frozenset(_COMMON.split())
_TRIGGER = "expired_trigger_id exchanged_trigger_id invalid_trigger_id"
_VIEW = "duplicate_external_id view_too_large"
_BLOCKS = "invalid_blocks invalid_blocks_format invalid_attachments too_many_attachments"
_METADATA = "invalid_metadata_format metadata_too_large"
_PLACE = "channel_not_found not_in_channel is_archived messages_tab_disabled"


@dataclass(frozen=True)
class Method:
    """One method. `tier` names its rate limit (see `rates`), `token` the kind it wants, if any."""

    name: str
    handler: Handler
    tier: str
    scopes: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    reads_json: bool = True
    token: str = "xoxb"
    errors: frozenset[str] = frozenset()


def _method(  # noqa: PLR0913 - a row of the table below, read as one
    name: str,
    handler: Handler,
    tier: str,
    scopes: str = "",
    required: str = "",
    errors: str = "",
    *,
    reads_json: bool = True,
    token: str = "xoxb",
) -> Method:
    return Method(
        name,
        handler,
        tier,
        tuple(scopes.split()),
        tuple(required.split()),
        reads_json,
        token,
        frozenset(errors.split()),
    )


_TABLE = (
    _method("api.test", users.api_test, "t4", token=""),
    _method("auth.test", users.auth_test, "special"),
    _method("apps.connections.open", users.connections_open, "t3", token="xapp"),
    _method(
        "bots.info",
        users.bot_info,
        "t3",
        "users:read",
        errors="bot_not_found",
        reads_json=False,
    ),
    _method(
        "chat.postMessage",
        chat.post_message,
        "post",
        "chat:write",
        "channel",
        f"""{_PLACE} no_text msg_blocks_too_long markdown_text_conflict cannot_reply_to_message
        thread_not_found invalid_thread_ts {_BLOCKS} {_METADATA}""",
    ),
    _method(
        "chat.postEphemeral",
        chat.post_ephemeral,
        "t4",
        "chat:write",
        "channel user",
        f"""{_PLACE} no_text msg_too_long msg_blocks_too_long markdown_text_conflict
        user_not_in_channel cannot_reply_to_message thread_not_found invalid_thread_ts
        {_BLOCKS} {_METADATA}""",
    ),
    _method(
        "chat.update",
        chat.update,
        "t3",
        "chat:write",
        "channel ts",
        f"""channel_not_found message_not_found cant_update_message no_text msg_too_long
        msg_blocks_too_long markdown_text_conflict {_BLOCKS} {_METADATA}""",
    ),
    _method(
        "chat.delete",
        chat.delete,
        "t3",
        "chat:write",
        "channel ts",
        "channel_not_found message_not_found cant_delete_message",
    ),
    _method(
        "chat.getPermalink",
        chat.permalink,
        "special",
        "",
        "channel message_ts",
        "channel_not_found message_not_found",
        reads_json=False,
    ),
    _method(
        "conversations.open",
        conversations.open_dm,
        "t3",
        "im:write",
        errors="""channel_not_found users_list_not_supplied too_many_users user_not_found
        user_disabled invalid_user_combination""",
    ),
    _method(
        "conversations.info",
        conversations.info,
        "t3",
        "",
        "channel",
        "channel_not_found",
        reads_json=False,
    ),
    _method(
        "conversations.history",
        conversations.history,
        "t3",
        "",
        "channel",
        "channel_not_found not_in_channel invalid_cursor invalid_ts_latest invalid_ts_oldest",
    ),
    _method(
        "conversations.replies",
        conversations.replies,
        "t3",
        "",
        "channel ts",
        "channel_not_found thread_not_found invalid_cursor invalid_ts_latest invalid_ts_oldest",
        reads_json=False,
    ),
    _method(
        "conversations.list",
        conversations.list_all,
        "t2",
        errors="invalid_cursor invalid_limit invalid_types",
        reads_json=False,
    ),
    _method(
        "conversations.members",
        conversations.members,
        "t4",
        "",
        "channel",
        "channel_not_found invalid_cursor invalid_limit",
        reads_json=False,
    ),
    _method(
        "conversations.join",
        conversations.join,
        "t3",
        "channels:join",
        "channel",
        "channel_not_found is_archived method_not_supported_for_channel_type",
    ),
    _method(
        "files.getUploadURLExternal",
        uploads.get_upload_url,
        "t4",
        "files:write",
        "filename length",
        "alt_txt_too_large",
        reads_json=False,
    ),
    _method(
        "files.completeUploadExternal",
        uploads.complete_upload,
        "t4",
        "files:write",
        "files",
        """file_not_found channels_limit_exceeded channel_not_found not_in_channel
        posting_to_channel_denied""",
    ),
    _method(
        "files.info",
        uploads.file_info,
        "t4",
        "files:read",
        "file",
        "file_not_found",
        reads_json=False,
    ),
    _method(
        "users.info",
        users.user_info,
        "t4",
        "users:read",
        "user",
        "user_not_found",
        reads_json=False,
    ),
    _method(
        "users.list",
        users.list_users,
        "t2",
        "users:read",
        errors="invalid_cursor limit_required",
        reads_json=False,
    ),
    _method(
        "users.lookupByEmail",
        users.lookup_by_email,
        "t3",
        "users:read.email",
        "email",
        "users_not_found",
        reads_json=False,
    ),
    _method(
        "users.conversations",
        conversations.of_user,
        "t3",
        errors="invalid_cursor invalid_limit invalid_types",
        reads_json=False,
    ),
    _method("team.info", users.team_info, "t3", "team:read", errors="team_not_found"),
    _method("views.open", views.open_view, "t4", "", "view", f"{_VIEW} {_TRIGGER}"),
    _method(
        "views.push",
        views.push_view,
        "t4",
        "",
        "view",
        f"{_VIEW} {_TRIGGER} not_found push_limit_reached",
    ),
    _method(
        "views.update", views.update_view, "t4", "", "view", f"{_VIEW} not_found hash_conflict"
    ),
    _method(
        "views.publish",
        views.publish_view,
        "t4",
        "",
        "user_id view",
        f"{_VIEW} not_enabled hash_conflict",
    ),
    _method(
        "reactions.add",
        chat.add_reaction,
        "t3",
        "reactions:write",
        "name",
        """channel_not_found message_not_found bad_timestamp invalid_name no_item_specified
        already_reacted is_archived""",
    ),
    _method(
        "reactions.remove",
        chat.remove_reaction,
        "t2",
        "reactions:write",
        "name",
        """channel_not_found message_not_found bad_timestamp invalid_name no_item_specified
        no_reaction""",
    ),
    _method("usergroups.list", users.list_usergroups, "t2", "usergroups:read", reads_json=False),
    _method(
        "blocks.validate",
        views.validate,
        "special",
        errors="invalid_blocks invalid_message invalid_view",
        token="",
    ),
)

METHODS: dict[str, Method] = {method.name: method for method in _TABLE}
