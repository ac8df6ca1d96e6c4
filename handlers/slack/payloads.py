"""What is relied on in Slack's payloads: their kinds, and of each the fields that are looked at.

Slack adds kinds and fields as it likes, so whatever is not named here may be there and be anything.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, StrictBool, StrictInt, StringConstraints, ValidationError

Id = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=255)]
Address = Annotated[str, StringConstraints(pattern=r"^(https?://[^\x00-\x20\x7f]+)?$")]
Words = Annotated[str, Field(max_length=1_000_000)]


class _Person(BaseModel):
    id: Id
    team_id: Id | None = None
    deleted: StrictBool = False


class _Any(BaseModel):
    """What Bolt looks at in every payload, of whatever kind."""

    api_app_id: Id | None = None
    event: dict[str, Any] = {}


class _Command(_Any):
    command: Id
    text: Words = ""
    user_id: Id
    team_id: Id
    trigger_id: Id
    response_url: Address = ""


class _Typed(_Any):
    type: Id


class _Interaction(_Typed):
    user: _Person
    trigger_id: Id | None = None
    response_url: Address = ""


class _Option(BaseModel):
    value: Words


class _StoredFile(BaseModel):
    id: Id


class _Chosen(BaseModel):
    """What was typed or chosen in an element."""

    value: Words | None = None
    files: list[_StoredFile] | None = None
    selected_option: _Option | None = None
    selected_options: list[_Option] | None = None


class _Action(_Chosen):
    action_id: Id
    url: Address | None = None


class _Container(BaseModel):
    channel_id: Id = ""
    message_ts: Id = ""
    is_ephemeral: StrictBool = False


class _Element(BaseModel):
    action_id: Id | None = None
    options: list[_Option] | None = None


class _Block(BaseModel):
    type: Id
    block_id: Id = ""
    elements: list[_Element] | None = None


class _State(BaseModel):
    values: dict[Id, dict[Id, _Chosen]] = {}


class _View(BaseModel):
    id: Id = ""
    type: Id = ""
    private_metadata: Words | None = None
    hash: Id = ""
    state: _State | None = None
    blocks: list[_Block] = []


class _Dialog(_View):
    type: Id
    callback_id: Id


class _Click(_Interaction):
    trigger_id: Id
    container: _Container = _Container()
    view: _View | None = None
    actions: Annotated[list[_Action], Field(min_length=1)]


class _OfDialog(_Interaction):
    view: _Dialog


class _Called(_Interaction):
    """What names a callback of the app's own."""

    callback_id: Id


class _OldButton(_Called):
    actions: Annotated[list[dict[str, Any]], Field(min_length=1)]


class _Suggestion(_Interaction):
    action_id: Id
    block_id: Id = ""
    value: Words


class _Challenge(_Typed):
    challenge: Words


class _Event(BaseModel):
    type: Id


class _File(BaseModel):
    name: Words | None = None


class _Edited(BaseModel):
    ts: Id


class _Message(BaseModel):
    channel: Id = ""
    channel_type: Id | None = None
    subtype: Id | None = None
    user: Id | None = None
    user_team: Id | None = None
    bot_id: Id | None = None
    parent_user_id: Id | None = None
    text: Words | None = None
    ts: Id = ""
    thread_ts: Id | None = None
    edited: _Edited | None = None
    files: list[_File] = []


class _MessageEvent(_Message):
    channel: Id
    message: _Message | None = None
    previous_message: _Message | None = None


class _HomeOpened(BaseModel):
    user: Id
    tab: Id = "home"


class _Profile(BaseModel):
    status_emoji: Words = ""
    status_expiration: StrictInt = 0


class _Account(_Person):
    tz: Id | None = None
    profile: _Profile = _Profile()


class _UserChange(BaseModel):
    user: _Account


class _Told(_Typed):
    event: dict[str, Any]


_KINDS: dict[str, type[BaseModel]] = {
    "block_actions": _Click,
    "view_submission": _OfDialog,
    "view_closed": _OfDialog,
    "block_suggestion": _Suggestion,
    "shortcut": _Called,
    "message_action": _Called,
    "interactive_message": _OldButton,
    "dialog_submission": _Called,
    "dialog_cancellation": _Called,
    "dialog_suggestion": _Called,
    "event_callback": _Told,
    "url_verification": _Challenge,
}
_EVENTS: dict[str, type[BaseModel]] = {
    "message": _MessageEvent,
    "app_mention": _MessageEvent,
    "app_home_opened": _HomeOpened,
    "user_change": _UserChange,
}


def is_heard(body: Mapping[str, Any]) -> bool:
    """Whether a payload is of a kind that anybody here could hear."""
    return "command" in body or "ssl_check" in body or body.get("type") in _KINDS


def fault_in(body: Mapping[str, Any]) -> str | None:
    """Where a payload is not as Slack writes it, such as `event.channel`; None where it is."""
    try:
        _read(body)
    except ValidationError as error:
        (fault, *_) = error.errors(include_url=False, include_context=False, include_input=False)
        return ".".join(map(str, fault["loc"]))
    return None


def _read(body: Mapping[str, Any]) -> None:
    if body.get("ssl_check") == "1":
        return
    if "command" in body:
        _Command.model_validate(body)
    if "type" in body or "command" not in body:
        kind = _Typed.model_validate(body).type
        _KINDS.get(kind, _Typed).model_validate(body)
        if kind == "event_callback":
            event = _Event.model_validate(body["event"]).type
            _EVENTS.get(event, _Event).model_validate(body["event"])
