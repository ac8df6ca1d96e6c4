"""Everything that Slack is shown, drawn over the samples: of a bill, and all the rest."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from handlers.customer_form import TEXTS
from handlers.slack.blocks.access import (
    access_asked,
    access_declined,
    access_granted,
    access_offer,
    access_requested,
    access_settled,
    away_by_status,
    away_noted,
    back_in_slack,
    back_noted,
    delegate_lost,
    left_slack,
    no_longer_standing_in,
    passed_on,
    sign_in_link,
    standing_in,
)
from handlers.slack.blocks.action_ids import ActionId
from handlers.slack.blocks.bill_list import bill_list, digest_message
from handlers.slack.blocks.bill_run import (
    month_end_preview,
    run_cancelled,
    run_changed,
    run_preview,
    run_preview_promised,
    run_progress,
    run_started,
    run_summary,
    run_was_started,
)
from handlers.slack.blocks.block_kit import SlackMessage
from handlers.slack.blocks.bulk_approve import (
    approve_under_form,
    approved_many,
    approving_begun,
    approving_many,
    selected_preview,
    under_preview,
)
from handlers.slack.blocks.bulk_send import (
    send_cancelled,
    send_preview,
    send_preview_promised,
    send_progress,
)
from handlers.slack.blocks.card import bill_card
from handlers.slack.blocks.customer_choice import which_customer
from handlers.slack.blocks.customer_details import customer_details
from handlers.slack.blocks.customer_form import (
    CustomerForm,
    customer_added,
    customer_changed,
    customer_form,
)
from handlers.slack.blocks.customer_list import customer_list
from handlers.slack.blocks.errors import refusal_message, shared_unconfirmed, trouble_message
from handlers.slack.blocks.file_import import (
    LookedAt,
    import_form,
    import_preview,
    import_refused,
    imported,
    looking,
    taking_in,
)
from handlers.slack.blocks.help import (
    SUBCOMMANDS,
    help_for,
    help_for_person,
    nearest_commands,
    needs_command,
)
from handlers.slack.blocks.history import bill_history
from handlers.slack.blocks.home import stranger_home
from handlers.slack.blocks.mail_notices import (
    bounced_notice,
    customer_replies_notice,
    delivered_notice,
    mail_resumed_notice,
    mail_stopped_notice,
    mailbox_unread_notice,
    may_have_arrived_notice,
    not_sent_notice,
)
from handlers.slack.blocks.nearest import Named, nearest_to
from handlers.slack.blocks.notifications import (
    approvals_notice,
    approvals_revoked_notice,
    reassigned_notice,
    recalculated_notice,
    rejection_notice,
    shut_channel_notice,
    unreachable_notice,
    unreached_notice,
    webhook_off_notice,
)
from handlers.slack.blocks.outcomes import (
    bill_reassigned,
    bill_reissued,
    bill_voided,
    decided,
    invoice_coming,
    invoice_missed,
)
from handlers.slack.blocks.people_list import (
    PeopleShown,
    not_known_yet,
    people_list,
    role_changed,
)
from handlers.slack.blocks.reconciled import reconciled_notice
from handlers.slack.blocks.recording import (
    RecordedMonth,
    recorded,
    recording_asked,
    recording_asked_in_dialog,
    recording_cancelled,
    recording_form,
)
from handlers.slack.blocks.reminders import escalation, reminder
from handlers.slack.blocks.sent import list_going, list_progress, list_retried, list_sent, one_sent
from handlers.slack.blocks.sharing import card_as_it_was, with_share, without_buttons
from handlers.slack.blocks.sources import (
    asking_form,
    pull_notice,
    source_added,
    source_asked,
    source_form,
    sources_list,
)
from handlers.slack.blocks.thread import decides_nothing, not_recorded, reads_like_a_decision
from handlers.slack.blocks.usage import usage_report
from handlers.slack.blocks.usage_alerts import ALERTED_AT_MOST, usage_alerts_message
from handlers.slack.blocks.usage_links import customers_link, link_made, links_revoked
from handlers.slack.blocks.usage_month import with_month
from handlers.slack.blocks.weekly_digest import weekly_digest
from models.audit.reconcile import Differs, Mismatch
from models.batches.approve_selected import Selected
from models.bills.states import Verb
from models.bills.usage_links import NewLink
from models.context import Source
from models.customers.customers import Customer
from models.customers.terms import Terms
from models.dates import OPEN_END
from models.errors import FiguresChanged, NotAllowed, Refusal
from models.imports.books import Book
from models.imports.differences import Difference
from models.imports.foreseen import Foreseen
from models.imports.rows import BadRows, Flaw
from models.named_people import PersonRef, WhoCan
from models.people.permissions import Role
from models.people.users import User
from models.queries.bill_details import BillDetails
from models.queries.bill_list import Page
from models.queries.customer_details import CustomerDetails, FlaggedBill, FormerName
from models.queries.customer_list import CustomerLine, CustomerPage
from models.queries.history import HistoryEntry
from models.queries.month_outlook import Forecast, MonthOutlook
from models.queries.sources import PullNotice, SourceLine
from models.usage.alerts import AlertKind
from models.usage.days import CountedDay, UsageDay, counted_days
from models.usage.origins import FigureOrigin
from models.usage.pulls import PullOutcome
from models.usage.usage import UsageMonth
from models.webhooks.webhooks import OffCause
from tests.views import asked as dialogs
from tests.views import homes, samples
from tests.views.samples import BILL, NOON, OCTOBER

Draw = Callable[[BillDetails], SlackMessage | dict[str, Any]]

DEEDS = [
    samples.entry(verb, id=index, comment="Because & so.", edits=1, acted_for=samples.SAM)
    for index, verb in enumerate(Verb, 1)
]
USAGE = [
    UsageMonth(OCTOBER.plus(index - 11), None if index == 3 else index * 400_000, 1_000_000, "USD")
    for index in range(12)
]


def _page(facts: BillDetails) -> Page:
    line = samples.bill_line(facts)
    return Page((line,) * 20, 500, samples.page(1).totals, "next")


def _customers(facts: BillDetails) -> CustomerPage:
    used = UsageMonth(OCTOBER, 10**12, 5, "USD")
    line = CustomerLine(5, facts.customer, facts.customer, samples.KIM, used, facts.unit_cost, 7)
    return CustomerPage(OCTOBER, (line,) * 20, "a", 5000)


def _people(facts: BillDetails) -> PeopleShown:
    """All with a name like the customer's: ten, one of whom is away, and six who wait."""
    people = [
        User(
            id=at,
            name=f"{facts.customer} {at}",
            role=Role.SALES,
            active=at > 1,
            email="a@b.example",
        )
        for at in range(1, 17)
    ]
    people[2].away_until = NOON.date()
    for one in people[10:]:
        one.role = None
    return PeopleShown(people[:10], people[10:], {3: people[3]}, facts.customer, 7, 10)


def _pulled(facts: BillDetails, outcome: PullOutcome) -> SlackMessage:
    return pull_notice(PullNotice(samples.pull(outcome), samples.source(facts), None))


def _alerted(facts: BillDetails) -> MonthOutlook:
    ahead = Forecast(0.5, NOON, 10**12, 10**11, 10**13, Decimal(10**12), 6, 5, uses_history=True)
    found = frozenset({AlertKind.NEAR, AlertKind.FORECAST, AlertKind.SPIKE})
    return MonthOutlook(5, facts.customer, OCTOBER, 10**9, 10**10, "USD", ahead, found)


def _customer(facts: BillDetails) -> CustomerDetails:
    """With twelve terms, flags and former names, and everything called like the bill's customer."""
    terms = [
        Terms(
            valid_from=OCTOBER.plus(at - 11).first_day,
            currency="USD",
            monthly_api_limit=10**12 + at,
            overage_unit_cost=Decimal("0.0000000001") * (at + 1),
        )
        for at in range(12)
    ]
    return CustomerDetails(
        customer=Customer(id=5, name=facts.customer, currency="USD", billing_email="a@b.example"),
        csm=replace(samples.KIM, name=facts.customer),
        sales=None,
        merged_into=None,
        terms=terms,
        former=[],
        names=[FormerName(f"{facts.customer} {at}", NOON, was_another=False) for at in range(9)],
        edits=[],
        months=[],
        flagged=[FlaggedBill(at, OCTOBER, facts.kind, None, jumps=True) for at in range(9)],
        missing=[OCTOBER],
        is_billed=True,
        first_year=2026,
        bills=[samples.bill_line(facts)] * 36,
    )


def _new(facts: BillDetails) -> Foreseen:
    """Customers that a file adds, with all there is to know of them."""
    given = json.dumps(dict.fromkeys(TEXTS, facts.customer * 9) | {"monthly_api_limit": "5"})
    new = Difference(2, facts.customer, "", None, given, is_new=True)
    return Foreseen(300, 0, 0, (new,) * 200, 300, (), 0, "0" * 64)


def _person(facts: BillDetails) -> PersonRef:
    """Somebody who is called like the bill's customer."""
    return replace(samples.KIM, name=facts.customer)


def _by_mail(facts: BillDetails) -> HistoryEntry:
    return samples.entry(
        Verb.BOUNCE,
        to=f"{facts.customer}@example",
        mailed_by=facts.customer,
        comment=facts.customer,
        failure=facts.customer,
    )


def _origin(facts: BillDetails) -> FigureOrigin:
    return FigureOrigin(
        _person(facts), NOON, Source.CLOCK, facts.customer, pulled_from=facts.customer
    )


def _days() -> tuple[CountedDay, ...]:
    used = [UsageDay(OCTOBER.first_day.replace(day=day), 10**12) for day in range(1, 32)]
    return counted_days(OCTOBER, used, 10**13)


def _differences(facts: BillDetails) -> list[Mismatch]:
    return [Mismatch(how, facts.customer, 1, 2, "2026-000001", 10**15, 7) for how in Differs] * 5


def _by_link(facts: BillDetails) -> HistoryEntry:
    return samples.entry(Verb.COMMENT, link_of=facts.customer, comment=facts.customer)


CUSTOMER_FORM = CustomerForm(
    dict.fromkeys((*TEXTS, "reason"), "&" * 2000) | {"csm": "Kim", "sales": "Sam"},
    {"csm": ["Kim", "Lee"], "sales": ["Sam" * 30]},
    5,
    "0" * 32,
)


OF_A_BILL: dict[str, Draw] = {
    "card": bill_card,
    "card of one": lambda f: bill_card(f, samples.user(samples.KIM)),
    "card, to share": lambda f: with_share(bill_card(f), "card", bill=f.id),
    "card, shared": lambda f: card_as_it_was(bill_card(f), f.id, NOON),
    "history": lambda f: bill_history(f, [replace(d, by=f.generated_by) for d in DEEDS]),
    "reject": dialogs.reject,
    "undo": lambda f: dialogs.undo(f, samples.APPROVED),
    "release": dialogs.release,
    "release, settled": lambda f: dialogs.release(f, still_stands=False),
    "revise": lambda f: dialogs.revise(f, BILL),
    "revise, the same": lambda f: dialogs.revise(f, f),
    "void": dialogs.void,
    "deliver": dialogs.deliver,
    "reissue": lambda f: dialogs.reissue(f, BILL),
    "reassign": lambda f: dialogs.reassign(f, [samples.LEE]),
    "reassign, among many": lambda f: dialogs.reassign(
        f, [PersonRef(at, f"{f.customer} {at}", Role.CSM) for at in range(1, 402)]
    ),
    "send preview": lambda f: send_preview(samples.send_preview(f)),
    "send preview of one": lambda f: send_preview(samples.send_preview(f, 1, 0)),
    "send preview of many": lambda f: send_preview(samples.send_preview(f, 300, 300)),
    "sent": lambda f: list_sent(samples.bulk_sent(f), samples.user(samples.ANA)),
    "sending": lambda f: list_going(samples.listed(f)),
    "on its way": lambda f: one_sent(f, samples.user(samples.ANA)),
    "voided": lambda f: bill_voided(f, f),
    "reissued": bill_reissued,
    "reassigned": lambda f: bill_reassigned(replace(f, reassigned=(samples.REASSIGNED,))),
    "reminder": lambda f: reminder([f] * 10, 2000, is_channel=False),
    "reminder of a channel": lambda f: reminder([f], 1, is_channel=True),
    "escalation": lambda f: escalation([f] * 10, 2000),
    "reassigned notice": lambda f: reassigned_notice(f, samples.REASSIGNED),
    "decided": lambda f: decided(f, samples.user(samples.ANA)),
    "not sent": lambda f: not_sent_notice([(f, samples.FAILED)]),
    "may have arrived": lambda f: may_have_arrived_notice([f]),
    "mail stopped": lambda f: mail_stopped_notice(f.customer, 1, needs_somebody=True),
    "settled": lambda f: recalculated_notice(
        {
            what: (60, [f.id] * 50)
            for what in ("invalidated", "held", "voided", "proposed", "reported")
        },
        {f.id: f},
    ),
    "rejection notice": lambda f: rejection_notice(f, samples.REJECTED),
    "approvals fell": lambda f: approvals_revoked_notice([f] * 30, [f.id], 20),
    "approvals notice": lambda f: approvals_notice([f] * 90, 1),
    "reads like approve": lambda f: reads_like_a_decision(f, Verb.APPROVE),
    "reads like reject": lambda f: reads_like_a_decision(f, Verb.REJECT),
    **{f"home of {role}": partial(homes.full_home, role=role) for role in Role},
    "week": lambda f: weekly_digest(homes.week(f)),
    "approved many": lambda f: approved_many(homes.approvals(f)),
    "approved very many": lambda f: approved_many(homes.approvals(f, 500, left_out=80)),
    "what is ticked": lambda f: selected_preview(
        Selected(7, 20, 2, samples.page(2).totals, (samples.bill_line(f),) * 5)
    ),
    "all under an amount": lambda f: under_preview(homes.offers()[2], [samples.bill_line(f)] * 5),
    "list": lambda f: bill_list(_page(f), "Bills", {"status": "pending"}),
    "digest": lambda f: digest_message(
        replace(samples.digest(), biggest=(samples.bill_line(f),) * 5), homes.offers()
    ),
    "usage alert": lambda f: usage_alerts_message([_alerted(f)], 1, ZoneInfo("UTC")),
    "usage alerts": lambda f: usage_alerts_message(
        [_alerted(f)] * ALERTED_AT_MOST, 5000, ZoneInfo("UTC")
    ),
    "usage": lambda f: usage_report(f.customer, USAGE, _page(f).lines, 5),
    "customers": lambda f: customer_list(_customers(f), f.customer),
    "customer": lambda f: customer_details(_customer(f), OCTOBER),
    "customer added": lambda f: customer_added(5, f.customer),
    "customer changed": lambda f: customer_changed(5, f.customer, samples.foreseen(f)),
    "usage to record": lambda f: recording_asked(
        RecordedMonth(5, f.customer, OCTOBER, 10**12, 5), samples.foreseen(f), has_changed=True
    ),
    "usage to record, in a dialog": lambda f: recording_asked_in_dialog(
        RecordedMonth(5, f.customer, OCTOBER, 10**12, 5), samples.foreseen(f), has_changed=True
    ),
    "usage recorded": lambda f: recorded(
        RecordedMonth(5, f.customer, OCTOBER, 10**12, 5), samples.foreseen(f)
    ),
    "recording cancelled": lambda f: recording_cancelled(f.customer, OCTOBER),
    "file of usage": lambda f: import_preview(
        LookedAt(5, Book.USAGE, f.customer * 2, samples.foreseen(f), NOON), has_changed=True
    ),
    "file of usage taken in": lambda f: imported(f.customer, samples.foreseen(f)),
    "file of usage refused": lambda f: import_refused(
        Book.USAGE,
        "usage.csv",
        BadRows(Flaw(at, "customer", f"{f.customer} {at}") for at in range(1, 200)),
    ),
    "file of customers": lambda f: import_preview(LookedAt(5, Book.CUSTOMERS, "a", _new(f), NOON)),
    "people": lambda f: people_list(_people(f)),
    "somebody's role": lambda f: role_changed(_people(f).people[0]),
    "access requested": lambda f: access_requested(_person(f), f.customer),
    "access settled": lambda f: access_settled(_person(f), _person(f)),
    "access declined": lambda f: access_declined(_person(f)),
    "link to sign in": lambda f: sign_in_link(_person(f), "https://bills.example/sign-in/1"),
    "stands in": lambda f: standing_in(_person(f), NOON.date()),
    "stands in too": lambda f: passed_on(_person(f), _person(f)),
    "stands in no longer": lambda f: no_longer_standing_in(_person(f)),
    "away by status": lambda f: away_by_status(OPEN_END, _person(f)),
    "delegate lost": lambda f: delegate_lost(_person(f), _person(f), for_away=False),
    "delegate lost, to whoever is away": lambda f: delegate_lost(
        _person(f), _person(f), for_away=True
    ),
    "left Slack": lambda f: left_slack(_person(f)),
    "back in Slack": lambda f: back_in_slack(_person(f)),
    "away": lambda f: away_noted(_person(f), NOON.date()),
    "shared, perhaps": lambda f: shared_unconfirmed(bill_card(f)),
    "card, without buttons": lambda f: without_buttons(bill_card(f)),
    "delivered": lambda f: delivered_notice([f] * 30, samples.page(2).totals),
    "came back": lambda f: bounced_notice([(f, _by_mail(f))] * 20, 9),
    "replies by mail": lambda f: customer_replies_notice([(f, _by_mail(f))] * 5, 9),
    "replies by link": lambda f: customer_replies_notice([(f, _by_link(f)), (f, _by_mail(f))]),
    "customer's link": lambda f: customers_link(f, NOON),
    "customer's link that cannot be": lambda f: customers_link(f, None, can_make=False),
    "customer's link made": lambda f: link_made(
        f, NewLink("csu_1", "https://bills.example/u/csu_1", NOON.date(), NOON)
    ),
    "customer's links revoked": lambda f: links_revoked(f, 1),
    "mailbox unread": lambda f: mailbox_unread_notice(f.customer, needs_somebody=True),
    "somebody is not reached": lambda f: unreachable_notice(_person(f), f.customer),
    "nobody is reached": lambda f: unreached_notice(Role.CSM, _person(f)),
    "sources": lambda f: sources_list(
        [SourceLine(samples.source(f), samples.pull(), [OCTOBER, OCTOBER.plus(-1)])] * 30
    ),
    "sources, asked": lambda f: sources_list([SourceLine(samples.source(f), samples.pull(), [])]),
    "source added": lambda f: source_added(samples.source(f)),
    "source asked": lambda f: source_asked(samples.source(f), OCTOBER),
    "source to ask": lambda f: asking_form(
        [samples.source(f, place) for place in range(30)], [OCTOBER], OCTOBER
    ),
    **{f"pull {outcome}": partial(_pulled, outcome=outcome) for outcome in PullOutcome},
    "pull, told by another source too": lambda f: pull_notice(
        PullNotice(samples.overlapping_pull(f), samples.source(f), None)
    ),
    "pull settled": lambda f: pull_notice(
        PullNotice(samples.pull("held"), samples.source(f), samples.pull("applied"))
    ),
    "webhook off": lambda f: webhook_off_notice(f.customer, OffCause.FAILING),
    "invoice coming": lambda f: invoice_coming(f.customer),
    "invoice missed": lambda f: invoice_missed(f.id, f.customer),
    "sending, by the reader": lambda f: list_progress(
        samples.bulk_sent(f), samples.user(samples.ANA)
    ),
    "decides nothing": decides_nothing,
    "usage of a month": lambda f: with_month(
        usage_report(f.customer, USAGE[-1:], [], 5), f.customer, OCTOBER, _origin(f), _days()
    ),
    "source differs": lambda f: reconciled_notice(f.customer, OCTOBER, 300, 200, _differences(f)),
    "usage, plain": lambda f: usage_report(
        f.customer, USAGE, _page(f).lines, None
    ).without_tables(),
}

OTHERS: dict[str, SlackMessage | dict[str, Any]] = {
    "away by status, alone": away_by_status(NOON.date(), None),
    "channel is shut": shut_channel_notice("CAPPROVALS", "is_archived"),
    "customer to edit": customer_form(CUSTOMER_FORM, samples.foreseen(BILL), has_changed=True),
    "customer to edit, every field": customer_form(replace(CUSTOMER_FORM, is_whole=True)),
    "customer to add": customer_form(CustomerForm({"name": "Acme"}, {"csm": [], "sales": []})),
    "no sources": sources_list([]),
    "new source": source_form(),
    "usage to record": recording_form([OCTOBER, OCTOBER.plus(-1)], OCTOBER),
    "customer to choose": which_customer(),
    **{f"file of {book} to choose": import_form(book) for book in Book},
    **{f"file of {book}, looking": looking(book) for book in Book},
    **{f"file of {book}, taking in": taking_in(book) for book in Book},
    "preview": run_preview(samples.preview()),
    "preview, nothing": run_preview(
        samples.preview(
            bills=0, held={}, totals=(), biggest=(), missing=(), missing_count=0, usages=0
        )
    ),
    "preview, only held": run_preview(samples.preview(bills=0, totals=())),
    "preview, promised": run_preview_promised(OCTOBER),
    "week, nothing to do": weekly_digest(homes.clear_week()),
    "preview, month end": month_end_preview(samples.preview()),
    "preview, month end without usage": month_end_preview(
        samples.preview(bills=0, totals=(), held={}, biggest=(), usages=0)
    ),
    "preview, month end, another was first": run_was_started(OCTOBER, samples.ANA),
    "generating": run_started(OCTOBER),
    "cancelled": run_cancelled(OCTOBER),
    "preview, changed": run_changed(samples.preview(), None, month_end=True),
    "progress, beginning": run_progress(samples.run(finished_at=None, done=0, added=0)),
    "progress, empty": run_progress(samples.run(finished_at=None, customers=0, done=0)),
    "summary": run_summary(samples.run()),
    "summary, nothing": run_summary(samples.run(added=0, held={}, totals=())),
    "summary, failed": run_summary(samples.run(failure="The database went away")),
    "summary, by rule": run_summary(samples.run(by_rule=12)),
    "send preview, promised": send_preview_promised(OCTOBER),
    "nothing to send": send_preview(samples.send_preview(BILL, 0, 0)),
    "nothing sent": list_sent(
        samples.bulk_sent(fates={}, totals=(), due=None, named=()), samples.user(samples.ANA)
    ),
    "sending, progress": send_progress(samples.send_facts(ended=False, kept=())),
    "sending, ended": send_progress(samples.send_facts()),
    "sending cancelled": send_cancelled(),
    "changed": refusal_message(
        FiguresChanged(samples.CORRECTED.changes, "USD"), click=ActionId.APPROVE
    ),
    "empty list": bill_list(samples.page(0), "Pending bills", {}),
    "no usage at all": usage_report("Acme Corp", [], [], 5),
    "200 months": usage_report(
        "Acme", [UsageMonth(OCTOBER.plus(i), 5, 1, "USD") for i in range(200)], [], 5
    ),
    "refusal": refusal_message(Refusal("Type `/bill list` to see those that are.")),
    "request access": access_offer(WhoCan((samples.ANA, samples.KIM), others=4)),
    "request access of nobody": access_offer(WhoCan(roles=(Role.FINANCE,))),
    "access asked": access_asked(),
    "access settled": access_settled(samples.KIM, samples.ANA),
    "not recorded": not_recorded(NotAllowed("Your role is Manager.")),
    "trouble": trouble_message("7F3K"),
    "nobody": people_list(PeopleShown([], [], {}, "<!channel>")),
    "not known": not_known_yet("UNEW"),
    "stranger's home": stranger_home(),
    "approving": approving_many(homes.approvals(count=500, ended=False)),
    "approve under": approve_under_form(homes.waiting()),
    "approve under, one currency": approve_under_form(homes.waiting()[:1]),
    "back": back_noted(was_away=True),
    "near a command": nearest_commands("bill", "sohw", "<!channel> & co " * 40),
    "behind a mention": needs_command("bill", "void 12"),
    "plain words, not understood": nearest_to(
        "bill <!channel> & co " * 40, Named("#42"), User(name="x", role=Role.FINANCE, active=True)
    ),
    "mail goes on": mail_resumed_notice(20),
    "sent again": list_retried(12),
    "approving, begun": approving_begun(homes.approvals(count=500, ended=False)),
    **{f"help for {name}": help_for(name) for name in SUBCOMMANDS},
    "help for a person": help_for_person(User(name="x", role=Role.FINANCE, active=True)),
    **{f"role {role}": access_granted(role) for role in Role},
    **{
        f"home, nothing, {role}": homes.home(
            User(name="x", role=role, active=True), samples.page(0)
        )
        for role in Role
    },
}
