"""What people and the clock do, each of it one step of the timeline."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from handlers.wording.approving_text import why_left_out
from models.actions.approve import approve_bill as approve_one
from models.actions.approve import reject_bill
from models.actions.hold import release_bill
from models.actions.recalculate import recalculate
from models.actions.revise import revise_bill
from models.actions.send import mark_send_failed, send_bill
from models.actions.undo import undo_decision
from models.actions.void import reissue_bill, void_bill
from models.batches.bill_run import run_step, start_bill_run
from models.batches.bulk_approve import keep_selection, start_approving
from models.batches.bulk_send import start_send
from models.batches.send_preview import preview_send
from models.bills.bill import Bill
from models.bills.deliveries import Missing
from models.bills.states import RejectReason
from models.context import Source
from models.outbox.messages import Message
from models.outbox.notifications import Recalculation, notify_bill_run
from models.period import Period
from models.usage.usage import record_usage
from models.webhooks.events import Event
from models.webhooks.keeping import add_webhook, send_test
from models.webhooks.webhooks import WebhookSecret
from tests.harness.drawing import draw_here
from tests.harness.issuing import issue_bill, mark_delivered
from tests.harness.terms import change_terms as set_terms
from tests.old_databases.timeline import RULES, Timeline


async def tell(time: Timeline, who: str, address: str) -> None:
    """By webhook, of all that happens from now on; its secret is always the same."""
    async with time.step() as session:
        webhook, _ = await add_webhook(session, await time.act(session, who), address, [*Event])
        await send_test(session, await time.act(session, who), webhook.id)
        kept = sa.update(WebhookSecret).where(WebhookSecret.webhook_id == webhook.id)
        await session.execute(kept.values(secret="whsec_bWVhZG93IG1lYWRvdyBtZWFkb3c="))


async def approve(time: Timeline, who: str, name: str, period: Period) -> int:
    """Returns the action's id, as do the next ones."""
    async with time.step() as session:
        bill = await time.bill(session, name, period)
        act = await time.act(session, who)
        return (await approve_one(session, bill.id, bill.version, act)).id


async def approve_bill(time: Timeline, who: str, bill_id: int) -> None:
    async with time.step() as session:
        bill = await session.get_one(Bill, bill_id)
        await approve_one(session, bill_id, bill.version, await time.act(session, who))


async def reject(time: Timeline, who: str, name: str, period: Period) -> int:
    async with time.step() as session:
        bill = await time.bill(session, name, period)
        act = await time.act(session, who)
        why = "They count 20,000 calls less, and sent us their log."
        code = RejectReason.USAGE_WRONG
        return (await reject_bill(session, bill.id, bill.version, act, code, why)).id


async def undo(
    time: Timeline, who: str, name: str, period: Period, action_id: int | None = None
) -> int:
    async with time.step() as session:
        bill = await time.bill(session, name, period)
        act, why = await time.act(session, who), "That was too early."
        return (await undo_decision(session, bill.id, bill.version, act, why, action_id)).id


async def release(time: Timeline, who: str, name: str, period: Period) -> None:
    async with time.step() as session:
        bill = await time.bill(session, name, period)
        act = await time.act(session, who)
        await release_bill(session, bill.id, bill.version, act, "Agreed with them by phone.")


async def revise(
    time: Timeline, who: str, name: str, period: Period, units: int | None = None
) -> None:
    async with time.step() as session:
        bill = await time.bill(session, name, period)
        act, why = await time.act(session, who), "Counted again,\nwith them."
        await revise_bill(session, bill.id, bill.version, act, why, units)


async def void(time: Timeline, who: str, name: str, period: Period) -> int | None:
    """Returns the id of the credit, if there is one."""
    async with time.step() as session:
        bill = await time.bill(session, name, period)
        act = await time.act(session, who)
        done = await void_bill(session, bill.id, bill.version, act, "Billed to the wrong company")
        return done.credit_id


async def reissue(time: Timeline, who: str, name: str, period: Period) -> None:
    async with time.step() as session:
        bill = await time.bill(session, name, period)
        act = await time.act(session, who)
        await reissue_bill(session, bill.id, bill.version, act, "Now to the right one")


async def record(
    time: Timeline, who: str, name: str, period: Period, calls: int, why: str | None = None
) -> tuple[int, ...]:
    """Record usage, and settle the bills that it concerns; returns the corrections proposed."""
    async with time.step() as session:
        customer_id = (await time.customer(session, name)).id
        act = await time.act(session, who, Source.CLI)
        await record_usage(session, customer_id, period, calls, act, why)
        return (await recalculate(session, act)).proposed


async def record_all(time: Timeline, who: str, figures: Sequence[tuple[str, Period, int]]) -> None:
    """The same for many figures, none of which corrects anything."""
    async with time.step() as session:
        act = await time.act(session, who, Source.CLI)
        for name, period, calls in figures:
            customer_id = (await time.customer(session, name)).id
            assert await record_usage(session, customer_id, period, calls, act)
        assert await recalculate(session, act) == Recalculation()


async def change_terms(
    time: Timeline, name: str, limit: int, price: str, valid_from: Period | None = None
) -> None:
    async with time.step() as session:
        customer_id = (await time.customer(session, name)).id
        act = await time.clock(session)
        await set_terms(session, customer_id, act, limit, Decimal(price), valid_from)


# -- a month ---------------------------------------------------------------------------------


async def start(time: Timeline, who: str, period: Period) -> int:
    """Ask for a month in Slack; returns the run's id."""
    async with time.step() as session:
        act = await time.act(session, who)
        key = f"generate:{period}:{time.message()}"
        run_id = await start_bill_run(session, period, act, RULES.zone, request_key=key)
        await notify_bill_run(session, run_id, act.user)
        return run_id


async def generate(time: Timeline, run_id: int, most_steps: int = 100) -> None:
    """Work a run off, or only its first steps."""
    for _ in range(most_steps):
        async with time.step() as session:
            if (await run_step(session, run_id, RULES, time.now)).ended:
                return


async def generate_by_command(time: Timeline, period: Period, name: str) -> None:
    """For one customer, on the command line."""
    async with time.step() as session:
        act = await time.clock(session, Source.CLI)
        customer_id = (await time.customer(session, name)).id
        run_id = await start_bill_run(session, period, act, RULES.zone, customer_id)
    await generate(time, run_id)


# -- on its way out ----------------------------------------------------------------------------


async def send(time: Timeline, who: str, bill_id: int) -> None:
    async with time.step() as session:
        bill = await session.get_one(Bill, bill_id)
        await send_bill(session, bill_id, bill.version, await time.act(session, who))


async def issue(time: Timeline, bill_id: int) -> None:
    """The send delay is over: the bill gets its number and its document."""
    time.now += timedelta(minutes=RULES.send_delay_minutes)
    async with time.step() as session:
        assert await issue_bill(session, bill_id, await time.clock(session), draw_here)


NOT_YET = Missing("archive@example.com", "450 4.2.0 not yet", later=True)


async def deliver(time: Timeline, bill_id: int) -> None:
    async with time.step() as session:
        act = await time.clock(session)
        assert await mark_delivered(
            session, bill_id, act, "250 queued", "pay@example.com", [NOT_YET]
        )


async def fail_to_deliver(time: Timeline, bill_id: int) -> None:
    async with time.step() as session:
        act = await time.clock(session)
        assert await mark_send_failed(session, bill_id, act, "550 5.1.1 no such mailbox")


async def send_out(time: Timeline, who: str, bill_id: int) -> None:
    """All the way to the customer."""
    await send(time, who, bill_id)
    await issue(time, bill_id)
    await deliver(time, bill_id)


async def preview_sending(
    time: Timeline, who: str, bill_ids: tuple[int, ...] = (), period: Period | None = None
) -> int:
    """Have a list of bills to send, which is not begun; returns its id."""
    async with time.step() as session:
        act = await time.act(session, who)
        shown = await preview_send(session, act, bill_ids, period)
        assert shown.id is not None
        kept = await session.get_one(Message, shown.id)
        kept.key = f"sending:{act.user.id}:{shown.id:016x}"  # which is random otherwise
        return shown.id


async def begin_sending(time: Timeline, who: str, list_id: int) -> None:
    async with time.step() as session:
        assert await start_send(session, list_id, await time.act(session, who))


async def begin_approving(time: Timeline, who: str, names: Sequence[str], period: Period) -> None:
    """Approve a list of bills as it is shown, as far as one click goes."""
    async with time.step() as session:
        act = await time.act(session, who)
        bills = [await time.bill(session, name, period) for name in names]
        shown = await keep_selection(session, [(one.id, one.version) for one in bills], act)
        kept = await session.get_one(Message, shown)
        kept.key = f"approving:{act.user.id}:{shown:016x}"  # which is random otherwise
        assert await start_approving(session, shown, act, why_left_out)
