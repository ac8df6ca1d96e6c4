"""Whose word counts for which slot of a bill: a rule without a database."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill
from models.bills.approvers import ANY, Slot, eligible
from models.named_people import PersonRef
from models.people.permissions import Role
from models.people.users import User
from models.queries.bill_list import bills_waiting_for
from tests.harness.cast import People
from tests.harness.scene import act, bill_for

TODAY = date(2026, 11, 2)
TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=1)
ANN = User(id=1, name="Ann", role=Role.CSM)
BEA = User(id=2, name="Bea", role=Role.CSM)
SAL = User(id=3, name="Sal", role=Role.SALES)
FAY = User(id=4, name="Fay", role=Role.FINANCE)


def ref(user: User) -> PersonRef:
    return PersonRef(user.id, user.name, user.role)


ANYBODYS = Slot("csm", Role.CSM)
ANNS = Slot("csm", Role.CSM, ref(ANN))
ANNS_AND_SALS = Slot("csm", Role.CSM, ref(ANN), ref(SAL), TODAY)
SALES = Slot("sales", Role.SALES)
EITHERS = Slot(ANY, Role.CSM, ref(ANN))


@pytest.mark.parametrize(
    ("slots", "user", "made_by", "today", "theirs"),
    [
        ([ANYBODYS, SALES], ANN, (), TODAY, [ANYBODYS]),
        ([ANYBODYS, SALES], SAL, (), TODAY, [SALES]),
        ([ANYBODYS, SALES], FAY, (), TODAY, []),
        ([ANYBODYS], ANN, {ANN.id}, TODAY, []),
        ([ANNS], ANN, {BEA.id}, TODAY, [ANNS]),
        ([ANNS], BEA, (), TODAY, []),
        # Of either role, whoever is asked first.
        ([EITHERS], BEA, (), TODAY, [EITHERS]),
        ([EITHERS], SAL, (), TODAY, [EITHERS]),
        ([EITHERS], FAY, (), TODAY, []),
        # A delegate up to and including the day named, and whoever is away at any time.
        ([ANNS_AND_SALS], SAL, (), TODAY, [ANNS_AND_SALS]),
        ([ANNS_AND_SALS], SAL, (), TOMORROW, []),
        ([ANNS_AND_SALS], ANN, (), YESTERDAY, [ANNS_AND_SALS]),
        ([ANNS_AND_SALS], BEA, (), TODAY, []),
        # Their own word comes first.
        ([ANNS_AND_SALS, SALES], SAL, (), TODAY, [SALES, ANNS_AND_SALS]),
    ],
)
def test_whose_word_counts(
    slots: list[Slot], user: User, made_by: set[int], today: date, theirs: list[Slot]
) -> None:
    assert list(eligible(slots, user, made_by, today)) == theirs


def test_a_delegate_acts_for_somebody_and_whoever_is_away_for_nobody() -> None:
    assert [ANNS_AND_SALS.acted_for(user) for user in (ANN, BEA, SAL)] == [None, None, ANN.id]
    assert [ANNS.acted_for(user) for user in (ANN, BEA, SAL)] == [None] * 3


async def test_a_bill_that_needs_less_by_now_waits_for_whoever_can_give_it(
    session: AsyncSession, people: People
) -> None:
    """One of two approvals was given; then any one is enough, and that is missing still."""
    bill = await bill_for(
        session, act(people.ana), require_csm_approval=True, require_sales_approval=True
    )
    await approve_bill(session, bill.id, 1, act(people.kim))
    assert (await bills_waiting_for(session, people.lee)).count == 0
    assert (await bills_waiting_for(session, people.sam)).count == 1
    await session.execute(
        sa.text("update customers set require_csm_approval = false, require_sales_approval = false")
    )
    assert (await bills_waiting_for(session, people.lee)).count == 1
    await approve_bill(session, bill.id, 1, act(people.lee))
    assert (await bills_waiting_for(session, people.lee)).count == 0


amounts = st.decimals(-1000, 10**9, places=2) | st.sampled_from(
    [Decimal(0), Decimal(100), Decimal(300)]
)


@given(amounts, amounts, st.sampled_from([3, 2, 1.5, 1.1499, 7.25]))
@example(Decimal(300), Decimal(100), 3)
@example(Decimal(301), Decimal(100), 3)
@settings(deadline=None, suppress_health_check=[*HealthCheck])
async def test_a_jump_is_more_than_so_many_times_as_much_and_none_from_nothing(
    session: AsyncSession, amount: Decimal, previous: Decimal, factor: float
) -> None:
    values = {"amount": str(amount), "previous": str(previous), "factor": str(factor)}
    in_sql = await session.scalar(_IS_JUMP, values)
    assert in_sql == (previous > 0 and amount > previous * Decimal(str(factor)))


_IS_JUMP = sa.text("""
select is_jump(cast(:amount as numeric), cast(:previous as numeric), cast(:factor as numeric))
""")
