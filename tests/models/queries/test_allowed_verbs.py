"""What a card offers a person is what they are not refused, in every state and by every role."""

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.absence import mark_away
from models.actions.approve import approve_bill, reject_bill
from models.actions.revise import revise_bill
from models.actions.undo import undo_decision
from models.actions.void import reissue_bill, void_bill
from models.bills.states import RejectReason, Verb
from models.errors import Refusal
from models.people.permissions import Role
from models.people.users import User
from models.queries.allowed_verbs import allowed_verbs, possible_verbs
from models.queries.bill_loader import load_bill_details
from models.usage.usage import record_usage
from tests.harness.cast import People
from tests.harness.scene import act, bill_for
from tests.models.actions.test_matrix import cast_of, exhibits, expected

OFFERED = {
    *(Verb.APPROVE, Verb.REJECT, Verb.RELEASE, Verb.SEND, Verb.REVISE, Verb.REISSUE, Verb.UNDO),
    *(Verb.DELIVER, Verb.VOID, Verb.REASSIGN),
}
NOT_OFFERED = ("no", "late", "same")


async def offered(session: AsyncSession, bill_id: int, user: User) -> set[Verb]:
    (facts,) = await load_bill_details(session, [bill_id])
    return set(allowed_verbs(facts, user))


async def test_each_verb_of_the_table_is_offered_to_whom_it_works_for(
    session: AsyncSession, people: People
) -> None:
    cast = await cast_of(session, people)
    made = await exhibits(session, cast)
    for cell, outcome in expected(cast).items():
        if cell.verb not in OFFERED or cell.who == "system":
            continue
        bill, _ = made[cell.needs, cell.state]
        drawn = await offered(session, bill.id, cast[cell.who])
        assert (cell.verb in drawn) == (outcome not in NOT_OFFERED), cell


async def test_what_anybody_is_offered_is_possible_for_many(
    session: AsyncSession, people: People
) -> None:
    cast = await cast_of(session, people)
    for bill, _ in (await exhibits(session, cast)).values():
        (facts,) = await load_bill_details(session, [bill.id])
        readers = [user for user in cast.values() if not user.is_system]
        theirs = {verb for user in readers for verb in allowed_verbs(facts, user)}
        assert theirs == possible_verbs(facts), facts.status


async def test_a_delegate_is_offered_what_the_one_who_is_away_would_be(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), csm_id=people.kim.id, require_csm_approval=True)
    assert await offered(session, bill.id, people.lee) == set()
    await mark_away(session, act(people.kim), date(2026, 11, 20), people.lee)
    assert await offered(session, bill.id, people.lee) == {Verb.APPROVE, Verb.REJECT}
    assert await offered(session, bill.id, people.kim) == {Verb.APPROVE, Verb.REJECT}


async def test_a_delegate_who_gave_their_own_word_is_not_offered_to_give_anothers(
    session: AsyncSession, people: People
) -> None:
    needs = {"csm_id": people.kim.id, "sales_id": people.sam.id}
    both = {"require_csm_approval": True, "require_sales_approval": True}
    bill = await bill_for(session, act(people.ana), **needs, **both)
    await mark_away(session, act(people.kim), date(2026, 11, 20), people.sam)
    await approve_bill(session, bill.id, 1, act(people.sam))
    assert Verb.APPROVE not in await offered(session, bill.id, people.sam)
    assert Verb.UNDO in await offered(session, bill.id, people.sam)


async def test_whoever_revised_the_figures_is_not_offered_to_approve_them(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    await revise_bill(session, bill.id, 1, act(people.ana), "Agreed", 10)
    people.ana.role = Role.CSM
    assert await offered(session, bill.id, people.ana) == {Verb.UNDO}


async def test_an_approval_that_its_author_took_back_is_theirs_to_give_again(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    await approve_bill(session, bill.id, 1, act(people.kim))
    await undo_decision(session, bill.id, 2, act(people.kim), "Too soon")
    assert Verb.UNDO in await offered(session, bill.id, people.kim)
    assert Verb.UNDO not in await offered(session, bill.id, people.ana)


async def test_a_void_bill_whose_month_is_billed_again_has_nothing_left_to_do(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    await void_bill(session, bill.id, 1, act(people.ana), "Wrong")
    assert await offered(session, bill.id, people.ana) == {Verb.REISSUE, Verb.UNDO}
    await reissue_bill(session, bill.id, 2, act(people.ana), "Right")
    assert await offered(session, bill.id, people.ana) == set()


async def test_a_rejection_under_other_figures_is_revised_rather_than_undone(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana))
    await reject_bill(session, bill.id, 1, act(people.kim), RejectReason.OTHER, "No")
    await record_usage(session, bill.customer_id, bill.period, 160_000, act(people.ana))
    assert await offered(session, bill.id, people.kim) == set()
    assert await offered(session, bill.id, people.ana) == {Verb.REVISE, Verb.VOID}
    with pytest.raises(Refusal, match="Usage or terms have changed"):
        await undo_decision(session, bill.id, 2, act(people.kim), "By mistake")
