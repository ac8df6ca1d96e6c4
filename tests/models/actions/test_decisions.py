"""Who decides what on a bill, and how it is taken back."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill, reject_bill
from models.actions.comment import add_comment, delete_comment, edit_comment
from models.actions.undo import undo_decision
from models.bills.bill import Bill
from models.bills.history import BillAction, actions_of, comment_text
from models.bills.states import RejectReason, State
from models.context import Context
from models.errors import Invalid, NotAllowed, NotFound, Stale, WrongState
from models.people.users import User
from tests.harness.cast import People
from tests.harness.scene import NOW, act, bill_for, contents, in_slack, prove, standing_approvals


def later(user: User, minutes: int) -> Context:
    return act(user, NOW + timedelta(minutes=minutes))


async def reject(session: AsyncSession, bill: Bill, user: User) -> BillAction:
    code = RejectReason.LIMIT_WRONG
    return await reject_bill(session, bill.id, bill.version, act(user), code, "We agreed more")


async def undo(
    session: AsyncSession, bill: Bill, user: User, action: BillAction | None = None
) -> BillAction:
    named = action.id if action else None
    return await undo_decision(session, bill.id, bill.version, act(user), "By mistake", named)


@pytest.fixture
async def bill(session: AsyncSession, people: People) -> Bill:
    """Ana has generated it, and it needs both Kim, the CSM, and Sam, the salesperson."""
    return await bill_for(
        session,
        act(people.ana),
        csm_id=people.kim.id,
        sales_id=people.sam.id,
        require_csm_approval=True,
        require_sales_approval=True,
    )


@pytest.fixture
async def simple(session: AsyncSession, people: People) -> Bill:
    """Ana has generated it, and any one approval will do."""
    return await bill_for(session, act(people.ana), "Simple Ltd", csm_id=people.kim.id)


async def test_the_first_of_two_approvals_changes_no_row_and_the_second_approves(
    session: AsyncSession, people: People, bill: Bill
) -> None:
    before = (await contents(session))["bills"]
    first = await approve_bill(session, bill.id, 1, act(people.kim))
    assert (await contents(session))["bills"] == before
    assert first.bill_version == 1

    second = await approve_bill(session, bill.id, 1, act(people.sam))
    assert (second.bill_version, bill.status, bill.version) == (2, State.APPROVED, 2)
    parts = {approval.slot for approval in await standing_approvals(session, bill.id)}
    assert parts == {"csm", "sales"}
    await prove(session, bill.id)


async def test_a_required_approval_without_a_name_is_anybodys_of_that_role(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(
        session, act(people.ana), csm_id=people.kim.id, require_sales_approval=True
    )
    with pytest.raises(NotAllowed, match=r"^Only Sales may approve this bill\.$"):
        await approve_bill(session, bill.id, 1, act(people.kim))
    await approve_bill(session, bill.id, 1, act(people.sam))
    assert bill.status == State.APPROVED


async def test_whoever_is_not_asked_is_told_who_is(
    session: AsyncSession, people: People, bill: Bill
) -> None:
    with pytest.raises(NotAllowed) as refused:
        await approve_bill(session, bill.id, 1, act(people.lee))
    assert refused.value.sentence == "Only its CSM or its salesperson may approve this bill."
    assert refused.value.who_can is not None
    assert [one.name for one in refused.value.who_can.people] == ["Kim", "Sam"]


async def test_whoever_generated_a_bill_neither_approves_nor_rejects_it(
    session: AsyncSession, people: People, simple: Bill
) -> None:
    await session.execute(
        sa.update(User).where(User.id == people.ana.id).values(role="Customer Success")
    )
    ana = await session.get_one(User, people.ana.id)
    for decision in (
        approve_bill(session, simple.id, 1, act(ana)),
        reject(session, simple, ana),
    ):
        with pytest.raises(NotAllowed, match="You generated this bill"):
            await decision


async def test_any_approvers_rejection_rejects_and_keeps_code_and_reason(
    session: AsyncSession, people: People, bill: Bill
) -> None:
    await approve_bill(session, bill.id, 1, act(people.kim))
    action = await reject(session, bill, people.sam)
    assert (bill.status, bill.version) == (State.REJECTED, 2)
    assert (action.snapshot["reason_code"], action.comment) == ("limit_wrong", "We agreed more")
    await prove(session, bill.id)


@pytest.mark.parametrize("reason", ["", "  \n", "\x00", "x" * 3_001])
async def test_a_rejection_needs_a_reason_that_can_be_read(
    session: AsyncSession, people: People, bill: Bill, reason: str
) -> None:
    before = await contents(session)
    code = RejectReason.OTHER
    with pytest.raises(Invalid) as refused:
        await reject_bill(session, bill.id, 1, act(people.kim), code, reason)
    assert refused.value.field == "reason"
    assert await contents(session) == before


async def test_a_late_click_is_told_who_decided_and_when(
    session: AsyncSession, people: People, simple: Bill
) -> None:
    await approve_bill(session, simple.id, 1, act(people.kim))
    with pytest.raises(Stale) as refused:
        await approve_bill(session, simple.id, 1, later(people.sam, 7))
    assert in_slack(refused.value) == (
        "Kim (CSM) approved this bill 7 minutes ago. Nothing more was recorded."
    )
    with pytest.raises(WrongState) as refused_again:
        await approve_bill(session, simple.id, 2, later(people.kim, 125))
    assert in_slack(refused_again.value).startswith("You approved this bill 2 hours ago.")


@pytest.mark.parametrize("version", [0, -1])
async def test_a_version_before_the_first_is_out_of_date(
    session: AsyncSession, people: People, simple: Bill, version: int
) -> None:
    with pytest.raises(Stale) as refused:
        await approve_bill(session, simple.id, version, act(people.kim))
    assert in_slack(refused.value).startswith("Ana (Finance) generated this bill a moment ago.")


@pytest.mark.parametrize("version", [2, 2**31 - 1])
async def test_a_version_that_is_not_there_yet_is_refused(
    session: AsyncSession, people: People, simple: Bill, version: int
) -> None:
    with pytest.raises(Stale, match=f"This bill has no version {version}; it is at 1."):
        await approve_bill(session, simple.id, version, act(people.kim))


async def test_an_unknown_bill_is_not_found(session: AsyncSession, people: People) -> None:
    with pytest.raises(NotFound, match="There is no bill #77"):
        await approve_bill(session, 77, 1, act(people.kim))


async def test_a_second_click_of_the_same_person_counts_once(
    session: AsyncSession, people: People, bill: Bill
) -> None:
    await approve_bill(session, bill.id, 1, act(people.kim))
    before = await contents(session)
    with pytest.raises(Stale) as refused:
        await approve_bill(session, bill.id, 1, later(people.kim, 3))
    assert in_slack(refused.value) == (
        "You approved this bill 3 minutes ago. It waits for somebody else now."
    )
    assert await contents(session) == before


async def test_the_author_or_finance_takes_an_approval_back_and_nobody_else(
    session: AsyncSession, people: People, simple: Bill
) -> None:
    for user in (people.kim, people.ana):
        action = await approve_bill(session, simple.id, simple.version, act(people.kim))
        for stranger in (people.lee, people.sam):
            with pytest.raises(NotAllowed, match="Only whoever decided, or Finance, may undo"):
                await undo(session, simple, stranger)
        undone = await undo(session, simple, user)
        assert (undone.reverses_id, simple.status) == (action.id, State.PENDING)
        assert await standing_approvals(session, simple.id) == set()
    assert simple.version == 5
    await prove(session, simple.id)


async def test_undo_needs_a_reason_and_the_version_that_was_seen(
    session: AsyncSession, people: People, simple: Bill
) -> None:
    await approve_bill(session, simple.id, 1, act(people.kim))
    with pytest.raises(Invalid, match="A reason is needed"):
        await undo_decision(session, simple.id, 2, act(people.kim), " ")
    with pytest.raises(Stale):
        await undo_decision(session, simple.id, 1, act(people.kim), "By mistake")


async def test_an_approval_beneath_another_is_withdrawn_alone(
    session: AsyncSession, people: People, bill: Bill
) -> None:
    first = await approve_bill(session, bill.id, 1, act(people.kim))
    second = await approve_bill(session, bill.id, 1, act(people.sam))
    undone = await undo(session, bill, people.kim)
    assert (undone.reverses_id, bill.status, bill.version) == (first.id, State.PENDING, 3)
    standing = await standing_approvals(session, bill.id)
    assert [(approval.action_id, approval.slot) for approval in standing] == [(second.id, "sales")]
    await approve_bill(session, bill.id, 3, act(people.kim))
    assert (bill.status, bill.version) == (State.APPROVED, 4)
    await prove(session, bill.id)


async def test_finance_reverses_the_last_of_two_approvals(
    session: AsyncSession, people: People, bill: Bill
) -> None:
    first = await approve_bill(session, bill.id, 1, act(people.kim))
    second = await approve_bill(session, bill.id, 1, act(people.sam))
    with pytest.raises(Stale, match="does not stand any more"):
        await undo(session, bill, people.ana, first)
    assert (await undo(session, bill, people.ana, second)).reverses_id == second.id
    assert bill.status == State.PENDING
    assert {a.slot for a in await standing_approvals(session, bill.id)} == {"csm"}


async def test_a_withdrawn_first_approval_leaves_the_version_and_is_not_given_back_by_a_double(
    session: AsyncSession, people: People, bill: Bill
) -> None:
    await approve_bill(session, bill.id, 1, act(people.kim))
    undone = await undo(session, bill, people.kim)
    assert (undone.bill_version, bill.version) == (1, 1)
    before = await contents(session)
    with pytest.raises(Stale, match="That decision does not stand any more"):
        await undo(session, bill, people.kim)
    for named in (None, undone):
        with pytest.raises(NotAllowed, match="the one to give it again"):
            await undo(session, bill, people.ana, named)
    assert await contents(session) == before
    # Named, the undo can be undone as any other, by whoever withdrew.
    await undo(session, bill, people.kim, undone)
    assert {a.slot for a in await standing_approvals(session, bill.id)} == {"csm"}
    await prove(session, bill.id)


async def test_an_approval_beneath_a_rejection_cannot_lift_the_rejection(
    session: AsyncSession, people: People, bill: Bill
) -> None:
    given = await approve_bill(session, bill.id, 1, act(people.kim))
    await reject(session, bill, people.sam)
    for named in (None, given):
        with pytest.raises(NotAllowed) as refused:
            await undo(session, bill, people.kim, named)
        assert in_slack(refused.value).startswith("Sam (Sales) rejected this bill a moment ago.")
    assert bill.status == State.REJECTED
    await prove(session, bill.id)


async def test_a_rejected_bill_goes_back_to_what_stood_before(
    session: AsyncSession, people: People, bill: Bill
) -> None:
    await approve_bill(session, bill.id, 1, act(people.kim))
    await reject(session, bill, people.sam)
    await undo(session, bill, people.sam)
    assert (bill.status, bill.version) == (State.PENDING, 3)
    assert {a.slot for a in await standing_approvals(session, bill.id)} == {"csm"}
    await approve_bill(session, bill.id, 3, act(people.sam))
    assert bill.status == State.APPROVED
    await prove(session, bill.id)


async def test_an_undo_can_be_undone_again_and_again(
    session: AsyncSession, people: People, simple: Bill
) -> None:
    await approve_bill(session, simple.id, 1, act(people.kim))
    reversed_ids = [(await undo(session, simple, people.ana)).reverses_id for _ in range(4)]
    actions = [action.id for action in await actions_of(session, simple.id)]
    assert reversed_ids == actions[1:-1]
    assert (simple.status, simple.version) == (State.APPROVED, 6)
    assert len(await standing_approvals(session, simple.id)) == 1
    await prove(session, simple.id)


async def test_the_same_undo_twice_undoes_once(
    session: AsyncSession, people: People, simple: Bill
) -> None:
    action = await approve_bill(session, simple.id, 1, act(people.kim))
    await undo(session, simple, people.kim, action)
    for version in (2, 3):
        with pytest.raises(Stale):
            await undo_decision(session, simple.id, version, act(people.kim), "Again", action.id)
    assert simple.status == State.PENDING


async def test_where_nothing_was_decided_nothing_is_undone(
    session: AsyncSession, people: People, simple: Bill
) -> None:
    with pytest.raises(Stale, match="There is no decision on this bill"):
        await undo(session, simple, people.ana)


async def test_a_comment_changes_no_version_and_reads_as_its_author_left_it(
    session: AsyncSession, people: People, simple: Bill
) -> None:
    before = (await contents(session))["bills"]
    said = await add_comment(session, simple.id, act(people.kim), " Their limit is wrong ")
    await edit_comment(session, said.id, act(people.kim), "Their limit was wrong")
    assert await edit_comment(session, said.id, act(people.kim), "Their limit was wrong") is None
    told = await actions_of(session, simple.id)
    assert [action.bill_version for action in told] == [1, 1, 1]
    assert said.comment == "Their limit is wrong"
    assert comment_text(told, said.id) == "Their limit was wrong"
    await delete_comment(session, said.id, act(people.kim))
    assert await delete_comment(session, said.id, act(people.kim)) is None
    assert comment_text(await actions_of(session, simple.id), said.id) is None
    assert (await contents(session))["bills"] == before
    await prove(session, simple.id)


async def test_only_its_author_changes_a_comment(
    session: AsyncSession, people: People, simple: Bill
) -> None:
    said = await add_comment(session, simple.id, act(people.kim), "Their limit is wrong")
    before = await contents(session)
    for stranger in (people.ana, people.lee, people.sam):
        with pytest.raises(NotAllowed, match="Only its author"):
            await edit_comment(session, said.id, act(stranger), "All is well")
        with pytest.raises(NotAllowed, match="Only its author"):
            await delete_comment(session, said.id, act(stranger))
    with pytest.raises(NotFound):
        await edit_comment(
            session, (await actions_of(session, simple.id))[0].id, act(people.ana), ""
        )
    assert await contents(session) == before


async def test_a_deleted_comment_stays_deleted(
    session: AsyncSession, people: People, simple: Bill
) -> None:
    said = await add_comment(session, simple.id, act(people.kim), "Their limit is wrong")
    await delete_comment(session, said.id, act(people.kim))
    with pytest.raises(NotFound):
        await edit_comment(session, said.id, act(people.kim), "And yet it is")
    assert comment_text(await actions_of(session, simple.id), said.id) is None


@pytest.mark.parametrize("text", ["", " \n ", "x" * 10_001])
async def test_a_comment_says_something_of_bearable_length(
    session: AsyncSession, people: People, simple: Bill, text: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await add_comment(session, simple.id, act(people.kim), text)
    assert refused.value.field == "comment"


async def test_any_text_is_kept_as_it_was_typed(
    session: AsyncSession, people: People, simple: Bill
) -> None:
    text = "<!channel> *bold* ~ '; drop table bills; -- \u202e \U0001f4b8 \ud83d &amp;"
    said = await add_comment(session, simple.id, act(people.kim), text)
    kept = comment_text(await actions_of(session, simple.id), said.id)
    assert kept == text.replace("\ud83d", "?")
    await prove(session, simple.id)
