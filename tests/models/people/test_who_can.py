"""Whoever may not is told who can: by name as far as there are few, and what to do without any."""

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.wording.refusals import Medium, refusal_text
from models.actions.approve import approve_bill
from models.actions.reassign import reassign_bill
from models.actions.undo import undo_decision
from models.errors import NotAllowed
from models.people.permissions import ROLE_PERMISSIONS, Permission
from models.people.users import User, add_user
from models.people.who_can import require
from tests.harness.cast import People
from tests.harness.scene import act, bill_for


async def refused(session: AsyncSession, user: User, permission: Permission) -> str:
    with pytest.raises(NotAllowed) as told:
        await require(session, user, permission)
    return refusal_text(told.value, Medium.WEB)


async def test_whatever_a_role_may_not_its_people_are_told_who_can(
    session: AsyncSession, people: People
) -> None:
    for user in (people.ana, people.kim, people.sam, people.max):
        for permission in Permission:
            able = {role for role, may in ROLE_PERMISSIONS.items() if permission in may}
            if user.can(permission) or not able:
                continue
            told = await refused(session, user, permission)
            ask = told.partition(" Ask ")[2].rstrip(".").replace(" or ", ", ").split(", ")
            cast = (people.ana, people.kim, people.lee, people.sam, people.max)
            all_able = sorted(one.name for one in cast if one.role in able)
            more = ["1 other"] if len(all_able) > 3 else []
            assert ask == [*all_able[:3], *more], told


async def test_three_are_named_first_who_is_there_and_the_others_counted(
    session: AsyncSession, people: People
) -> None:
    for name in ("Zoe", "Yan", "Abe", "Bea", "Cid", "Gone", "Ghost"):
        await add_user(session, name, "Finance", f"U{name.upper()}")
    await session.execute(
        sa.text("""update users set active = name <> 'Gone', away_until = case name when 'Abe'
                   then date '2026-12-24' end, slack_user_id = case when name = 'Ghost' then null
                   else slack_user_id end where role = 'Finance'""")
    )
    told = await refused(session, people.max, Permission.GIVE_ROLES)
    assert told == (
        "Your role is Manager; only Finance may give people roles. Ask Ana, Bea, Cid or 3 others."
    )


async def test_where_nobody_has_the_role_it_is_said_who_gives_it(
    session: AsyncSession, people: People
) -> None:
    away_with = sa.text("update users set role = null where role in ('Customer Success', 'Sales')")
    await session.execute(away_with)
    assert (await refused(session, people.ana, Permission.APPROVE)).endswith(
        "Nobody with the role Customer Success or Sales is here yet: ask Ana to give somebody that "
        "role."
    )
    await session.execute(sa.text("update users set role = null where role = 'Finance'"))
    assert (await refused(session, people.max, Permission.SEND)).endswith(
        "Nobody with the role Finance is here yet. Whoever runs Countersign gives somebody that "
        "role with `countersign people add NAME --role Finance`."
    )


async def test_colleagues_are_named_only_to_whom_slack_vouches_for(
    session: AsyncSession, people: People
) -> None:
    new = await add_user(session, "New", None, "UNEW")
    told = "You have no role in Countersign yet."
    assert await refused(session, new, Permission.SEE) == f"{told} Ask Ana."
    signed_up = User(id=0, name="Vera", active=True)
    assert await refused(session, signed_up, Permission.SEE) == f"{told} Ask Finance about it."


async def test_of_one_bill_those_are_named_who_decide_on_it(
    session: AsyncSession, people: People
) -> None:
    bill = await bill_for(session, act(people.ana), csm_id=people.kim.id, require_csm_approval=True)
    approving = (session, bill.id, bill.version)
    for user in (people.lee, people.max):
        with pytest.raises(NotAllowed) as told:
            await approve_bill(*approving, act(user))
        assert refusal_text(told.value, Medium.WEB).endswith("this bill. Ask Kim.") is (
            user is people.lee
        )
        assert refusal_text(told.value, Medium.WEB).endswith("Ask Kim.")
    await reassign_bill(*approving, act(people.ana), people.lee.id)
    with pytest.raises(NotAllowed) as told:
        await approve_bill(session, bill.id, bill.version, act(people.max))
    assert refusal_text(told.value, Medium.WEB).endswith("Ask Lee.")
    await approve_bill(session, bill.id, bill.version, act(people.lee))
    with pytest.raises(NotAllowed) as told:
        await approve_bill(session, bill.id, bill.version, act(people.max))
    assert "Ask" not in refusal_text(told.value, Medium.WEB)
    with pytest.raises(NotAllowed) as told:
        await undo_decision(session, bill.id, bill.version, act(people.kim), "So it is")
    assert refusal_text(told.value, Medium.WEB).endswith("may undo that. Ask Ana or Lee.")
