"""The months before a bill, as they were billed in the end, and what is a jump beside them."""

from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.approve import approve_bill, reject_bill
from models.actions.revise import revise_bill
from models.actions.void import void_bill
from models.batches.bill_run_preview import preview_run
from models.bills.bill import Bill, bill_of_month
from models.bills.states import RejectReason
from models.queries.bill_details import BillDetails
from models.queries.bill_loader import load_bill_details
from tests.harness.billing import MAIL, bills_of, correct_usage, go_out, later
from tests.harness.cast import People
from tests.harness.scene import OCTOBER, act, add_customer, generate, record_usage

SEPTEMBER = OCTOBER.plus(-1)


class Story:
    """A customer with a bill of September over 5,000.00, and of October over another amount."""

    def __init__(self, session: AsyncSession, people: People) -> None:
        self.session, self.people = session, people

    async def begin(self, october: int = 140_000, **columns: object) -> Bill:
        self.customer = await add_customer(
            self.session, used=150_000, period=SEPTEMBER, **(MAIL | columns)
        )
        await generate(self.session, act(self.people.ana), SEPTEMBER)
        await record_usage(self.session, self.customer, OCTOBER, october)
        return await bill_of_month(self.session, self.customer.id, SEPTEMBER)

    async def october(self) -> BillDetails:
        await generate(self.session, act(self.people.ana))
        bill = await bill_of_month(self.session, self.customer.id, OCTOBER)
        (facts,) = await load_bill_details(self.session, [bill.id])
        return facts

    async def send(self, bill: Bill) -> None:
        await approve_bill(self.session, bill.id, bill.version, act(self.people.kim))
        await go_out(self.session, self.people, bill)

    async def correct(self, calls: int) -> Bill:
        by = later(act(self.people.ana), hours=1)
        await correct_usage(self.session, by, self.customer.id, calls, SEPTEMBER)
        return (await bills_of(self.session, self.customer))[-1]


@pytest.fixture
def story(session: AsyncSession, people: People) -> Story:
    return Story(session, people)


def before(facts: BillDetails) -> Decimal | None:
    return facts.trend[-2].amount


async def test_a_revised_month_counts_as_it_was_revised(story: Story) -> None:
    september = await story.begin()
    await revise_bill(story.session, september.id, 1, act(story.people.ana), "A credit", 1_000)
    facts = await story.october()
    assert before(facts) == Decimal("100.00")
    assert facts.jumps


async def test_a_corrected_month_counts_with_its_corrections_that_stand(story: Story) -> None:
    september = await story.begin()
    await story.send(september)
    credit = await story.correct(101_000)
    assert before(await story.october()) == Decimal("100.00")
    code = RejectReason.USAGE_WRONG
    await reject_bill(
        story.session, credit.id, credit.version, act(story.people.kim), code, "No, 150,000"
    )
    facts = await story.october()
    assert before(facts) == Decimal("5000.00")
    assert not facts.jumps


async def test_a_void_month_came_to_nothing(story: Story) -> None:
    september = await story.begin()
    await story.send(september)
    await void_bill(
        story.session, september.id, september.version, act(story.people.ana), "Free month"
    )
    assert before(await story.october()) == Decimal(0)


async def test_a_trend_ends_with_what_its_bill_says_whatever_became_of_it(story: Story) -> None:
    bill = await story.begin()
    await story.send(bill)
    credit = await story.correct(160_000)
    assert await last_of_trend(story, bill) == (150_000, bill.overage_amount)
    by = act(story.people.ana)
    await void_bill(story.session, credit.id, credit.version, by, "Not so")
    await void_bill(story.session, bill.id, bill.version, by, "Free month")
    assert await last_of_trend(story, bill) == (150_000, Decimal("5000.00"))


async def last_of_trend(story: Story, bill: Bill) -> tuple[int | None, Decimal | None]:
    (facts,) = await load_bill_details(story.session, [bill.id])
    return facts.trend[-1].calls, facts.trend[-1].amount


async def test_a_month_that_nobody_billed_counts_as_it_would_be_billed(story: Story) -> None:
    story.customer = await add_customer(story.session, used=101_000, period=SEPTEMBER)
    await record_usage(story.session, story.customer, OCTOBER, 140_000)
    facts = await story.october()
    assert before(facts) == Decimal("100.00")
    assert facts.jumps


async def test_the_preview_flags_the_jump_that_the_card_will(story: Story) -> None:
    await story.begin(october=300_001)
    small = await add_customer(story.session, "Small", used=120_000)
    preview = await preview_run(story.session, OCTOBER)
    assert [(one.customer, one.jumps) for one in preview.biggest] == [
        ("Acme Corp", True),
        ("Small", False),
    ]
    assert preview.jumps == 1
    assert (await story.october()).jumps
    bill = await bill_of_month(story.session, small.id, OCTOBER)
    assert not (await load_bill_details(story.session, [bill.id]))[0].jumps


async def test_beyond_the_companys_own_factor_a_jump_is_held_and_said_so_once(
    story: Story,
) -> None:
    await story.begin(october=300_001)
    preview = await preview_run(story.session, OCTOBER, jump_factor=2)
    assert (preview.jumps, sum(preview.held.values())) == (0, 1)
