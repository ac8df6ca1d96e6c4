"""People as others are told of them, and who can be asked for what somebody may not do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PersonRef:
    id: int
    name: str
    role: str | None
    slack_user_id: str | None = None


@dataclass(frozen=True)
class WhoCan:
    """`people` who can do something, a few by name, and how many `others` can as well.

    Where nobody can: the `roles` that could, and who gives somebody such a role; None where that
    takes the command line.
    """

    people: tuple[PersonRef, ...] = ()
    others: int = 0
    roles: tuple[str, ...] = ()
    giving_roles: "WhoCan | None" = None
