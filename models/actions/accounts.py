"""Accounts that people make for themselves, and their passwords."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from models.actions.access import ask_for_role
from models.db.locks import lock_for_import, lock_for_write
from models.errors import Faults, Invalid, NextStep, NotAllowed, Stale, Step, Unreadable
from models.mailboxes import mailboxes, read_mailboxes
from models.people.access_attempts import sign_ups_since
from models.people.permissions import Role
from models.people.sessions import WebSession, end_devices
from models.people.sign_in_links import cancel_sign_in_links
from models.people.users import SYSTEM, User, lock_users, person_name

ANNOUNCED_A_DAY = 20
"""So many accounts a day are told to Finance, so that nobody can bury them in messages."""
FRESH = timedelta(hours=1)
"""So long a one-time link stands for the old password, which somebody may have forgotten."""


async def check_new_account(session: AsyncSession, name: str, email: str) -> tuple[str, str]:
    """The name and the e-mail address as they are kept.

    Refuses a name that somebody has, and what is not one address.
    """
    faults = Faults()
    with faults.noted():
        name = await _free_name(session, name)
    with faults.noted():
        email = _one_mailbox(email.strip())
    faults.refuse()
    return name, email


async def _free_name(session: AsyncSession, typed: str) -> str:
    name, key = await person_name(session, typed)
    if await session.scalar(sa.select(sa.exists().where(User.name_key == key))):
        raise Invalid(
            f"Somebody is called {name} already.", "name", [NextStep(Step.SIGN_IN_FROM_SLACK)]
        )
    return name


def _one_mailbox(typed: str) -> str:
    try:
        read = read_mailboxes(typed)
    except Unreadable as refused:
        raise Invalid(refused.sentence, "email") from None
    if len(mailboxes(read)) > 1:
        raise Invalid("Write one e-mail address.", "email")
    return read


async def make_account(
    session: AsyncSession, name: str, email: str, digest: str, now: datetime
) -> User:
    """An account without a role, which Finance is asked for; the very first one is of Finance.

    Refuses what `check_new_account` does.
    """
    is_first = await _is_first(session)
    name, email = await check_new_account(session, name, email)
    role = Role.FINANCE if is_first else None
    user = User(name=name, email=email, password_digest=digest, role=role, active=True)
    session.add(user)
    await session.flush()
    made_today = await sign_ups_since(session, now - timedelta(days=1))
    if role is None and made_today <= ANNOUNCED_A_DAY:
        await ask_for_role(session, user, now)
    return user


async def _is_first(session: AsyncSession) -> bool:
    """Whether nobody else is here; then nobody comes in before the transaction ends."""
    if not await nobody_is_here(session):
        await lock_for_write(session, User.__tablename__)
        return False
    await lock_for_import(session, User.__tablename__)
    return await nobody_is_here(session)


async def nobody_is_here(session: AsyncSession) -> bool:
    """Whether the next account would be the very first one."""
    return bool(await session.scalar(sa.select(~sa.exists().where(User.name != SYSTEM))))


def needs_old_password(user: User, device: WebSession, now: datetime) -> bool:
    """Whether somebody has to know their password to change it on this device."""
    if user.password_digest is None:
        return False
    return not (device.by_link and now - device.created_at < FRESH)


async def set_password(
    session: AsyncSession, user: User, digest: str, device: WebSession, now: datetime
) -> None:
    """Give somebody another password, and sign them out everywhere but on this device.

    `user` is the person as they were when the old one was looked at; refuses as Stale where they
    have had another one since.
    """
    await end_devices(session, user.id, keep=device)
    await cancel_sign_in_links(session, user.id)
    current = (await lock_users(session, user.id))[user.id]
    if not current.active:
        raise NotAllowed
    if current.password_digest != user.password_digest:
        raise Stale("Your password was changed somewhere else just now; this did not change it.")
    current.password_digest = digest
    current.updated_at = now
    await session.flush()
