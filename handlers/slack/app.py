"""The routing table: everything that Slack may send, and who hears it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse

from handlers.slack import (
    absence,
    accounts,
    bill,
    bill_dialogs,
    bulk_approve,
    customers,
    home,
    imports,
    invoice,
    people,
    recording,
    selection,
    send,
    sources,
    suggestions,
    thread,
    usage,
    usage_links,
    words,
)
from handlers.slack.answers import Answer, Later, Reply
from handlers.slack.blocks.action_ids import (
    ANY_ACTION,
    ANY_DIALOG,
    OUT_OF_DATE,
    ActionId,
    action_of,
)
from handlers.slack.blocks.block_kit import under
from handlers.slack.blocks.errors import refusal_message
from handlers.slack.blocks.help import help_for, is_near, nearest_commands
from handlers.slack.context import Listener, RequestContext, Services, handle
from handlers.slack.parsing import (
    HELP,
    first_word,
    subcommand_and_rest,
    typed_text,
)
from handlers.slack.references import clicked, commanded, means_a_bill
from handlers.slack.request import Click, CustomerChoice, Request, SlashCommand, Submission
from handlers.slack.words import MOST_CHARS, TOO_LONG
from handlers.slack.written import AppMention, DirectMessage
from handlers.wording.formatting import slash
from models.errors import Ambiguous, Invalid
from models.imports.books import Book
from models.queries.references import is_customer

Subcommand = Callable[[RequestContext, str], Awaitable[Answer]]

COMMANDS: dict[str, dict[str, Subcommand]] = {
    "bill": {
        "generate": bill.generate,
        "show": bill.show,
        "list": bill.list_bills,
        "history": bill.history,
        "send": send.preview,
        "undo": commanded(bill_dialogs.undo),
        "release": commanded(bill_dialogs.release),
        "revise": commanded(bill_dialogs.revise),
        "void": commanded(bill_dialogs.void),
        "reissue": commanded(bill_dialogs.reissue),
        "away": absence.away,
        "back": absence.back,
        "people": people.everybody,
        "web": people.web,
    },
    "customer": {
        "list": customers.list_all,
        "new": customers.new,
        "edit": customers.edit,
        "import": partial(imports.choose, Book.CUSTOMERS),
    },
    "usage": {
        "record": recording.record,
        "import": partial(imports.choose, Book.USAGE),
        "sources": sources.show,
    },
}


async def _bill_or_nearest(context: RequestContext, text: str) -> Answer:
    word, rest = subcommand_and_rest(text)
    if word in bill.ON_ITS_CARD and rest:
        return await bill.decide_on_card(context, bill.ON_ITS_CARD[word], rest)
    if await means_a_bill(context, text):
        return await bill.show(context, text)
    return Reply(nearest_commands("bill", word, rest))


async def _customer_or_nearest(
    command: str, show: Subcommand, context: RequestContext, text: str
) -> Answer:
    """A customer; where nobody is called so, the subcommand that was perhaps meant."""
    try:
        return await show(context, text)
    except Ambiguous as refused:
        word, rest = subcommand_and_rest(text)
        if word == "show" and rest:
            return await show(context, rest)
        if not refused.is_guess or not is_near(command, word):
            raise
        near = nearest_commands(command, word, rest)
        if not isinstance(refused, CustomerChoice) or not refused.choices:
            return Reply(near)
        return Reply(under(near, refusal_message(refused, refused.command, refused.text)))


# What stands behind a command that has no subcommand of that name.
OTHERWISE: dict[str, Subcommand] = {
    "bill": _bill_or_nearest,
    "customer": partial(_customer_or_nearest, "customer", customers.show),
    "usage": partial(_customer_or_nearest, "usage", usage.show),
}


async def _opened(_: RequestContext) -> None:
    """A link, which Slack follows by itself."""


MENU: dict[str, Listener] = {
    "history": bill.history_clicked,
    "usage": usage.of_bill,
    "link": usage_links.look,
    "page": _opened,
    "revise": clicked(bill_dialogs.revise),
    "void": clicked(bill_dialogs.void),
}

FIELD = "value"
"""The action id of every field of our dialogs."""
EVERYTHING = re.compile(".*", re.DOTALL)
Body = Mapping[str, Any]


async def _typed(context: RequestContext) -> Answer:
    """A slash command as it was typed, Slack's escapes taken out."""
    body = context.request.body
    text = typed_text(body.get("text", ""))
    if len(text) > MOST_CHARS:
        raise Invalid(TOO_LONG)
    return await _run(replace(context, command=body["command"], text=text))


async def _run(context: RequestContext) -> Answer:
    command = context.command.removeprefix(slash(""))
    if command not in COMMANDS:
        raise Invalid(OUT_OF_DATE)
    word, rest = subcommand_and_rest(context.text)
    if word in HELP:
        return Reply(help_for(command, first_word(rest)[0].lower()))
    if word in COMMANDS[command] and not await _is_named_so(context, command):
        if rest and rest.lower() in HELP:
            return Reply(help_for(command, word))
        return await COMMANDS[command][word](context, rest)
    return await OTHERWISE[command](context, context.text.strip())


async def _is_named_so(context: RequestContext, command: str) -> bool:
    """Whether a customer is called like what was typed, where customers stand behind a command."""
    return command != "bill" and await is_customer(context.session, context.text)


async def _choose(context: RequestContext) -> Answer:
    """One of several customers was meant: run the command again with its full name."""
    ids = context.ids("command", "text")
    answer = await _run(replace(context, command=ids["command"], text=ids["text"]))
    return replace(answer, replace=True) if isinstance(answer, Reply) else answer


async def _more(context: RequestContext) -> Answer | Later | None:
    listener = MENU.get(context.ids("bill", "see")["see"])
    if listener is None:
        raise Invalid(OUT_OF_DATE)
    return await listener(context)


SHARED: dict[str, Listener] = {
    bill.CARD: bill.share_card,
    bill.HISTORY: bill.share_history,
    bill.LIST: bill.share_list,
    customers.LIST: customers.share,
    customers.CUSTOMER: customers.share_one,
}


async def _share(context: RequestContext) -> Answer | Later | None:
    listener = SHARED.get(context.ids("see")["see"])
    if listener is None:
        raise Invalid(OUT_OF_DATE)
    return await listener(context)


CLICKS: dict[ActionId, Listener] = {
    ActionId.APPROVE: bill.approve,
    ActionId.REJECT: bill_dialogs.ask_why_rejected,
    ActionId.UNDO: clicked(bill_dialogs.undo),
    ActionId.RELEASE: clicked(bill_dialogs.release),
    ActionId.REVISE: clicked(bill_dialogs.revise),
    ActionId.VOID: clicked(bill_dialogs.void),
    ActionId.REISSUE: clicked(bill_dialogs.reissue),
    ActionId.REASSIGN: clicked(bill_dialogs.reassign),
    ActionId.SEND: send.send_one,
    ActionId.DELIVER: clicked(bill_dialogs.arrived),
    ActionId.HISTORY: bill.history_clicked,
    ActionId.INVOICE: invoice.invoice,
    ActionId.MAKE_LINK: usage_links.make,
    ActionId.REVOKE_LINK: usage_links.revoke,
    ActionId.MORE: _more,
    ActionId.CHOOSE: _choose,
    ActionId.GENERATE: bill.start_run,
    ActionId.CANCEL: bill.cancel_run,
    ActionId.SEND_LIST: send.send_list,
    ActionId.CANCEL_LIST: send.cancel_list,
    ActionId.RETRY_LIST: send.retry_list,
    ActionId.REQUEST_ACCESS: people.request_access,
    ActionId.GRANT_ACCESS: people.grant,
    ActionId.DECLINE_ACCESS: people.decline,
    ActionId.GIVE_ROLE: people.give_role,
    ActionId.PEOPLE_PAGE: people.next_people,
    ActionId.LIST_PAGE: bill.next_page,
    ActionId.CUSTOMERS_PAGE: customers.next_page,
    ActionId.EDIT_CUSTOMER: customers.edit_clicked,
    ActionId.MORE_FIELDS: customers.more_fields,
    ActionId.SHARE_USAGE: usage.share,
    ActionId.SHARE: _share,
    ActionId.RECORD_USAGE: recording.record_agreed,
    ActionId.KEEP_USAGE: recording.keep,
    ActionId.IMPORT_BOOK: imports.choose_clicked,
    ActionId.ASK_SOURCE: sources.ask_which,
    ActionId.NEW_SOURCE: sources.new,
    ActionId.PULL_AGAIN: sources.pull_again,
    ActionId.APPLY_PULL: sources.apply,
    ActionId.OPEN_PAGE: _opened,
    ActionId.HOME_PAGE: home.turn_page,
    ActionId.HOME_MONTH: home.turn_month,
    ActionId.TICK: selection.ticked,
    ActionId.TICK_ALL: selection.tick_all,
    ActionId.APPROVE_SELECTED: bulk_approve.ask_selected,
    ActionId.APPROVE_UNDER: bulk_approve.ask_under,
    ActionId.APPROVE_LIST: bulk_approve.approve_list,
}

DIALOGS: dict[str, Listener] = {
    ActionId.REJECT: bill_dialogs.reject,
    ActionId.UNDO: bill_dialogs.submit_undo,
    ActionId.RELEASE: bill_dialogs.submit_release,
    ActionId.REVISE: bill_dialogs.submit_revise,
    ActionId.VOID: bill_dialogs.submit_void,
    ActionId.REISSUE: bill_dialogs.submit_reissue,
    ActionId.REASSIGN: bill_dialogs.submit_reassign,
    ActionId.DELIVER: bill_dialogs.submit_arrived,
    ActionId.CHOOSE_CUSTOMER: customers.edit_chosen,
    ActionId.NEW_CUSTOMER: customers.add,
    ActionId.EDIT_CUSTOMER: customers.save,
    ActionId.RECORD_USAGE: recording.submit_record,
    ActionId.IMPORT_BOOK: imports.look,
    ActionId.APPLY_BOOK: imports.take_in,
    ActionId.ASK_SOURCE: sources.ask_chosen,
    ActionId.NEW_SOURCE: sources.add,
    ActionId.APPROVE_UNDER: bulk_approve.list_all_under,
    ActionId.APPROVE_LIST: bulk_approve.approve_list,
}

NEWCOMERS = frozenset({ActionId.REQUEST_ACCESS})


def register(app: AsyncApp, services: Services) -> None:
    """Let `app` hear everything that is ours, and take receipt of everything that is not."""

    async def command(body: Body) -> BoltResponse:
        return await handle(services, SlashCommand(body), _typed)

    async def click(body: Body) -> BoltResponse:
        return await _clicked(services, Click(body))

    async def submission(body: Body) -> BoltResponse:
        sent = Submission(body)
        receipt = await handle(services, sent, DIALOGS[sent.view["callback_id"]])
        return _with_home(services, sent, receipt)

    async def typing(body: Body) -> BoltResponse:
        return await handle(services, suggestions.Typing(body), suggestions.offer)

    # Bolt asks one after the other whether it is meant; what comes most often is asked first.
    app.block_action(ANY_ACTION)(click)
    for name in COMMANDS:
        app.command(slash(name))(command)
    app.view_submission(ANY_DIALOG)(submission)
    app.options(FIELD)(typing)
    _hear_events(app, services)
    _take_receipt_of_the_rest(app, services)


def _hear_events(app: AsyncApp, services: Services) -> None:
    """What happens in Slack by itself, or is written there."""

    answer = partial(words.answer, commands=COMMANDS, run=_run)

    async def message(body: Body) -> BoltResponse:
        written = DirectMessage(body)
        if written.is_one:
            return await handle(services, written, answer)
        return await thread.handle_message(services, body)

    async def mention(body: Body) -> BoltResponse:
        written = AppMention(body)
        if not written.is_one or await thread.is_reply(services, body["event"]):
            return _nothing()
        return await handle(services, written, answer)

    async def home_opened(body: Body) -> None:
        await home.opened(services, body)

    async def user_changed(body: Body) -> None:
        await accounts.changed(services, body["event"]["user"])

    app.event("message")(message)
    app.event("app_mention")(mention)
    app.event("app_home_opened")(home_opened)
    app.event("user_change")(user_changed)
    for farewell in ("app_uninstalled", "tokens_revoked"):
        app.event(farewell)(accounts.access_withdrawn)


def _take_receipt_of_the_rest(app: AsyncApp, services: Services) -> None:
    """What nobody hears is received all the same, or people see a warning sign."""

    async def unknown_click(body: Body) -> BoltResponse:
        press = Click(body)
        return _nothing() if press.is_link else await handle(services, press, _out_of_date)

    app.command(EVERYTHING)(_received)
    app.block_action(EVERYTHING)(unknown_click)
    app.action(EVERYTHING)(_received)
    app.view_submission(EVERYTHING)(_received)
    app.view_closed(EVERYTHING)(_received)
    app.options(EVERYTHING)(_no_options)
    app.shortcut(EVERYTHING)(_received)
    app.event(EVERYTHING)(_received)


def _nothing() -> BoltResponse:
    return BoltResponse(status=200, body="")


async def _received() -> BoltResponse:
    return _nothing()


async def _out_of_date(_: RequestContext) -> None:
    raise Invalid(OUT_OF_DATE)


async def _no_options() -> BoltResponse:
    return BoltResponse(status=200, body={"options": []})


async def _clicked(services: Services, press: Click) -> BoltResponse:
    clicked = action_of(press.action["action_id"])
    receipt = await handle(
        services, press, CLICKS.get(clicked, _out_of_date), newcomers=clicked in NEWCOMERS
    )
    return receipt if clicked is ActionId.TICK else _with_home(services, press, receipt)


def _with_home(services: Services, request: Request, receipt: BoltResponse) -> BoltResponse:
    """Whoever acts on their Home tab sees there what became of it, after the receipt."""
    if request.is_from_home:
        services.background.start(home.publish(services, request))
    return receipt
