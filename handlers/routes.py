"""The routing table: everything that Slack may send, and who hears it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse

from handlers import absence, amending, bill, home, people, sending, thread, usage
from handlers.ask import Ask, House, Listener, asked
from handlers.meant import clicked, commanded
from handlers.requests import Answer, Press, Reply, Request, SlashCommand, Submission
from handlers.typed import first_word, plain
from handlers.views import replies
from handlers.views.clicks import (
    ANY_ACTION,
    ANY_DIALOG,
    OUT_OF_DATE,
    Click,
    click_of,
)
from handlers.views.words import slash
from models.actions.access import deactivate
from models.actions.reroute import reroute_open_bills
from models.context import Source, system_context
from models.errors import Invalid

Subcommand = Callable[[Ask, str], Awaitable[Answer]]

COMMANDS: dict[str, dict[str, Subcommand]] = {
    "bill": {
        "generate": bill.generate,
        "show": bill.show,
        "list": bill.list_bills,
        "history": bill.history,
        "send": sending.preview,
        "undo": commanded(amending.undo),
        "release": commanded(amending.release),
        "revise": commanded(amending.revise),
        "void": commanded(amending.void),
        "reissue": commanded(amending.reissue),
        "away": absence.away,
        "back": absence.back,
    },
    "usage": {},
}

# What stands behind a command that has no subcommand of that name.
OTHERWISE: dict[str, Subcommand] = {"usage": usage.show}

MENU: dict[str, Listener] = {
    "history": bill.history_clicked,
    "usage": usage.of_bill,
    "revise": clicked(amending.revise),
    "void": clicked(amending.void),
}

MOST_CHARS = 1000
TOO_LONG = f"A command has at most {MOST_CHARS:,} characters. Nothing was done."
EVERYTHING = re.compile(".*", re.DOTALL)

Body = Mapping[str, Any]
log = structlog.get_logger()


async def _typed(ask: Ask) -> Answer:
    """A slash command as it was typed, Slack's escapes taken out."""
    body = ask.request.body
    text = plain(body.get("text", ""))
    if len(text) > MOST_CHARS:
        raise Invalid(TOO_LONG)
    return await _run(replace(ask, command=body["command"], text=text))


async def _run(ask: Ask) -> Answer:
    command = ask.command.removeprefix(slash(""))
    if command not in COMMANDS:
        raise Invalid(OUT_OF_DATE)
    word, rest = first_word(ask.text)
    if word.lower() in ("", "help"):
        return Reply(replies.help_for(command))
    if word.lower() in COMMANDS[command]:
        return await COMMANDS[command][word.lower()](ask, rest)
    if command in OTHERWISE:
        return await OTHERWISE[command](ask, ask.text.strip())
    return Reply(replies.near_miss(command, word, rest))


async def _choose(ask: Ask) -> Answer:
    """One of several customers was meant: run the command again with its full name."""
    ids = ask.ids("command", "text")
    answer = await _run(replace(ask, command=ids["command"], text=ids["text"]))
    return replace(answer, replace=True) if isinstance(answer, Reply) else answer


async def _more(ask: Ask) -> Answer | None:
    listener = MENU.get(ask.ids("bill", "see")["see"])
    if listener is None:
        raise Invalid(OUT_OF_DATE)
    return await listener(ask)


CLICKS: dict[Click, Listener] = {
    Click.APPROVE: bill.approve,
    Click.REJECT: bill.ask_why_rejected,
    Click.UNDO: clicked(amending.undo),
    Click.RELEASE: clicked(amending.release),
    Click.REVISE: clicked(amending.revise),
    Click.VOID: clicked(amending.void),
    Click.REISSUE: clicked(amending.reissue),
    Click.SEND: sending.send_one,
    Click.HISTORY: bill.history_clicked,
    Click.MORE: _more,
    Click.CHOOSE: _choose,
    Click.GENERATE: bill.start_run,
    Click.CANCEL: bill.cancel_run,
    Click.SEND_LIST: sending.send_list,
    Click.CANCEL_LIST: sending.cancel_list,
    Click.REQUEST_ACCESS: people.request_access,
    Click.GRANT_ACCESS: people.grant,
    Click.LIST_PAGE: bill.next_page,
    Click.SHARE_USAGE: usage.share,
}

DIALOGS: dict[str, Listener] = {
    Click.REJECT: bill.reject,
    Click.UNDO: amending.take_back,
    Click.RELEASE: amending.let_go,
    Click.REVISE: amending.take_new_figures,
    Click.VOID: amending.make_void,
    Click.REISSUE: amending.bill_again,
}

NEWCOMERS = frozenset({Click.REQUEST_ACCESS})


def register(app: AsyncApp, house: House) -> None:
    """Let `app` hear everything that is ours, and take receipt of everything that is not."""

    async def command(body: Body) -> BoltResponse:
        return await asked(house, SlashCommand(body), _typed)

    async def click(body: Body) -> BoltResponse:
        return await _clicked(house, Press(body))

    async def submission(body: Body) -> BoltResponse:
        sent = Submission(body)
        receipt = await asked(house, sent, DIALOGS[sent.view["callback_id"]])
        return _with_home(house, sent, receipt)

    async def message(body: Body) -> BoltResponse:
        return await thread.heard(house, body)

    async def home_opened(body: Body) -> None:
        await home.opened(house, body)

    async def user_changed(body: Body) -> None:
        await _user_changed(house, body["event"]["user"])

    for name in COMMANDS:
        app.command(slash(name))(command)
    app.action(ANY_ACTION)(click)
    app.view_submission(ANY_DIALOG)(submission)
    app.event("message")(message)
    app.event("app_home_opened")(home_opened)
    app.event("user_change")(user_changed)
    for farewell in ("app_uninstalled", "tokens_revoked"):
        app.event(farewell)(_uninstalled)
    _take_receipt_of_the_rest(app, house)


def _take_receipt_of_the_rest(app: AsyncApp, house: House) -> None:
    """What nobody hears is received all the same, or people see a warning sign."""

    async def unknown_click(body: Body) -> BoltResponse:
        press = Press(body)
        return _nothing() if press.is_link else await asked(house, press, _out_of_date)

    app.command(EVERYTHING)(_received)
    app.action(EVERYTHING)(unknown_click)
    app.view_submission(EVERYTHING)(_received)
    app.view_closed(EVERYTHING)(_received)
    app.options(EVERYTHING)(_no_options)
    app.shortcut(EVERYTHING)(_received)
    app.event(EVERYTHING)(_received)


def _nothing() -> BoltResponse:
    return BoltResponse(status=200, body="")


async def _received() -> BoltResponse:
    return _nothing()


async def _out_of_date(_: Ask) -> None:
    raise Invalid(OUT_OF_DATE)


async def _no_options() -> BoltResponse:
    return BoltResponse(status=200, body={"options": []})


async def _clicked(house: House, press: Press) -> BoltResponse:
    clicked = click_of(press.action["action_id"])
    receipt = await asked(house, press, CLICKS[clicked], newcomers=clicked in NEWCOMERS)
    return _with_home(house, press, receipt)


def _with_home(house: House, request: Request, receipt: BoltResponse) -> BoltResponse:
    """Whoever acts on their Home tab sees there what became of it, after the receipt."""
    if request.is_from_home:
        house.errands.send(home.publish(house, request))
    return receipt


async def _user_changed(house: House, account: Body) -> None:
    """Ask Slack again who this is; whoever has left can do nothing any more."""
    house.directory.forget(account["id"])
    if account.get("deleted"):
        async with house.db.transaction() as session:
            await deactivate(session, account["id"])
            act = await system_context(session, house.now(), Source.SLACK, house.rules)
            await reroute_open_bills(session, act)


async def _uninstalled(body: Body) -> None:
    log.warning("Slack has withdrawn this app's access", cause=body["event"]["type"])
