"""What people do with blocks: click, submit, close, ask a select for its options."""

from typing import Any

from sandbox.fake_slack.api.views import checked_view
from sandbox.fake_slack.delivery.delivery import Delivery
from sandbox.fake_slack.delivery.payloads import (
    block_suggestion,
    message_click,
    suggestion_in_message,
    suggestion_in_view,
    view_click,
    view_closed,
    view_submission,
)
from sandbox.fake_slack.people.writing import find_conversation, find_user, require_ack
from sandbox.fake_slack.shapes import JsonObject, Refused, SlackError
from sandbox.fake_slack.world.elements import (
    entered_state,
    initial_state,
    input_errors,
    interactive_elements,
    state_object,
)
from sandbox.fake_slack.world.files import entered_file
from sandbox.fake_slack.world.slack import Slack
from sandbox.fake_slack.world.surfaces import Surfaces
from sandbox.fake_slack.world.workspace import Change, Conversation, User

_OPTIONS = 100


class Clicking:
    """Clicks and dialogs. Nothing here asks whether the person can see the place: a forged
    click arrives at the app like any other, and it is the app that must refuse it. Whoever acts
    in somebody else's dialog or Home does so in a copy: its owner never sees a trace of it."""

    def __init__(self, slack: Slack, delivery: Delivery) -> None:
        self._slack = slack
        self._delivery = delivery

    # -- clicks ----------------------------------------------------------------------------

    async def click_message(
        self,
        user: str,
        channel: str,
        message_ts: str,
        action: JsonObject,
        values: JsonObject | None = None,
    ) -> JsonObject:
        person, conversation = find_user(self._slack, user), find_conversation(self._slack, channel)
        message = self._message(conversation, message_ts)
        blocks = message.get("blocks", [])
        element = _element(blocks, action)
        state = self._entered(person, blocks, initial_state(blocks), values or {})
        _store_choice(state, element)
        payload = message_click(self._slack, person, conversation, message, element)
        payload["state"] = {"values": state}
        return await self._click(payload)

    async def click_view(
        self, user: str, view_id: str, action: JsonObject, values: JsonObject | None = None
    ) -> JsonObject:
        person = find_user(self._slack, user)
        _, _, view = self._view(person, view_id)
        if values:
            self._enter(person, view, values)
        element = _element(view["blocks"], action)
        _store_choice(view["state"]["values"], element)
        return await self._click(view_click(self._slack, person, view, element))

    async def _click(self, payload: JsonObject) -> JsonObject:
        ack = require_ack(await self._delivery.ask("interactive", payload, wants_answer=False))
        if ack.payload not in (None, "", {}):
            raise Refused("invalid_ack", "a click is acknowledged with an empty body")
        return {"ok": True}

    # -- dialogs ---------------------------------------------------------------------------

    async def submit(self, user: str, view_id: str, values: JsonObject) -> JsonObject:
        """Presses a dialog's button, as Slack does: what the dialog itself can refuse (an empty
        required field, a text too long) never reaches the app."""
        person = find_user(self._slack, user)
        surfaces, owner, view = self._view(person, view_id)
        if view["type"] != "modal":
            raise Refused("invalid_view", "only a dialog can be submitted")
        self._enter(person, view, values)
        wrong = input_errors(view, view["state"]["values"])
        if wrong:
            return {"ok": True, "response_action": "errors", "errors": wrong, "by": "client"}
        payload = view_submission(self._slack, person, view)
        ack = require_ack(await self._delivery.ask("interactive", payload))
        answer = self._apply_answer(surfaces, owner, view, ack.payload)
        self._redrawn(owner)
        return {"ok": True, **answer, "view": next(reversed(surfaces.stack(owner)), None)}

    def _apply_answer(
        self, surfaces: Surfaces, owner: str, view: JsonObject, answer: Any
    ) -> JsonObject:
        """Does what the acknowledgement of a submission asks for."""
        if answer in (None, "", {}):
            surfaces.pop(owner, view)
            return {"response_action": None}
        action = answer.get("response_action") if isinstance(answer, dict) else None
        if action == "errors":
            return {"response_action": action, "errors": _checked_errors(view, answer)}
        if action == "clear":
            surfaces.pop(owner, surfaces.stack(owner)[0])
            return {"response_action": action}
        if action not in ("update", "push"):
            raise Refused("invalid_ack", f"{action!r} is no response_action")
        try:
            fresh = checked_view(self._slack, answer.get("view"), expected="modal")
            if action == "push":
                surfaces.push(owner, fresh)
            else:
                surfaces.update(view, fresh)
        except SlackError as error:
            raise Refused("invalid_ack", error.code, **error.extra) from None
        return {"response_action": action}

    async def close(self, user: str, view_id: str) -> JsonObject:
        """Closes a dialog by its cross or its button; the app hears of it if it asked to."""
        person = find_user(self._slack, user)
        surfaces, owner, view = self._view(person, view_id)
        stack = surfaces.stack(owner)
        whole = view is stack[0] if stack else True
        closed = surfaces.pop(owner, view)
        self._redrawn(owner)
        for one in closed:
            if one["notify_on_close"]:
                payload = view_closed(self._slack, person, one, cleared=whole and len(closed) > 1)
                require_ack(await self._delivery.ask("interactive", payload, wants_answer=False))
        return {"ok": True}

    # -- selects ---------------------------------------------------------------------------

    async def suggest(
        self,
        user: str,
        action_id: str,
        block_id: str,
        value: str,
        *,
        view_id: str | None = None,
        channel: str | None = None,
        message_ts: str | None = None,
    ) -> JsonObject:
        """What an external select offers for `value`."""
        person = find_user(self._slack, user)
        if view_id:
            where = suggestion_in_view(self._view(person, view_id)[2])
        else:
            conversation = find_conversation(self._slack, channel or "")
            message = self._message(conversation, message_ts or "")
            where = suggestion_in_message(conversation, message)
        payload = block_suggestion(self._slack, person, where, action_id, block_id, value)
        ack = require_ack(await self._delivery.ask("interactive", payload))
        return {"ok": True, **_checked_options(ack.payload)}

    # -- helpers ---------------------------------------------------------------------------

    def _view(self, person: User, view_id: str) -> tuple[Surfaces, str, JsonObject]:
        """(where `person` may leave traces, the owner, the view) of an open dialog or Home."""
        surfaces = self._slack.surfaces
        try:
            owner, view = surfaces.find(view_id)
        except SlackError:
            raise Refused("view_not_found", view_id) from None
        if owner == person.id:
            return surfaces, owner, view
        aside = surfaces.copy()
        return aside, *aside.find(view_id)

    @staticmethod
    def _message(conversation: Conversation, ts: str) -> JsonObject:
        message = conversation.messages.get(ts) or conversation.ephemerals.get(ts)
        if message is None:
            raise Refused("message_not_found", ts)
        return message

    def _enter(self, person: User, view: JsonObject, values: JsonObject) -> None:
        before = view["state"]["values"]
        view["state"] = {"values": self._entered(person, view["blocks"], before, values)}

    def _entered(
        self, person: User, blocks: list[JsonObject], state: JsonObject, values: JsonObject
    ) -> JsonObject:
        def store(given: Any) -> JsonObject:
            return entered_file(
                self._slack.files,
                given,
                user=person.id,
                created=int(self._slack.clock()),
                base_url=self._slack.base_url,
            )

        return entered_state(blocks, state, values, store)

    def _redrawn(self, owner: str) -> None:
        self._slack.workspace.changed(Change(users=frozenset({owner}), views=True))


def _element(blocks: list[JsonObject], action: JsonObject) -> JsonObject:
    """The clicked element: what the caller says of it, completed from the block it stands in.
    A forged action that stands nowhere is sent as it is, if it says what it is."""
    for block, element in interactive_elements(blocks):
        same_block = action.get("block_id") in (None, block.get("block_id"))
        if same_block and element.get("action_id") == action.get("action_id"):
            return {**element, "block_id": block["block_id"], **action}
    if missing := [key for key in ("type", "action_id") if not action.get(key)]:
        raise Refused("invalid_arguments", f"the action has no {' and no '.join(missing)}")
    return action


def _store_choice(state: JsonObject, action: JsonObject) -> None:
    known = state.get(action.get("block_id", ""), {})
    if action.get("action_id") in known:
        chosen = {key: value for key, value in action.items() if key.startswith("selected_")}
        known[action["action_id"]] = state_object(action, chosen, dict)


def _checked_errors(view: JsonObject, answer: JsonObject) -> JsonObject:
    errors = answer.get("errors")
    inputs = {block["block_id"] for block in view["blocks"] if block.get("type") == "input"}
    if not isinstance(errors, dict) or not errors:
        raise Refused("invalid_ack", "errors must name at least one block")
    unknown = sorted(set(errors) - inputs)
    if unknown:
        raise Refused("invalid_ack", f"no input block {', '.join(unknown)}")
    if not all(isinstance(text, str) and text for text in errors.values()):
        raise Refused("invalid_ack", "every error is a sentence")
    return errors


def _checked_options(answer: Any) -> JsonObject:
    if not isinstance(answer, dict) or not ({"options", "option_groups"} & set(answer)):
        raise Refused("invalid_ack", "a select is answered with options or option_groups")
    groups = answer.get("option_groups")
    options = (
        answer.get("options")
        if groups is None
        else [option for group in groups for option in group.get("options", [])]
    )
    if not isinstance(options, list) or len(options) > _OPTIONS:
        raise Refused("invalid_ack", f"at most {_OPTIONS} options")
    for option in options:
        text = option.get("text", {}).get("text", "") if isinstance(option, dict) else ""
        if not text or len(text) > 75 or len(str(option.get("value", ""))) > 150:
            raise Refused("invalid_ack", f"not an option: {option}")
    return {key: answer[key] for key in ("options", "option_groups") if key in answer}
