"""Roles, and what each of them may do."""

from enum import StrEnum


class Role(StrEnum):
    FINANCE = "Finance"
    CSM = "Customer Success"
    SALES = "Sales"
    MANAGER = "Manager"


class Permission(StrEnum):
    """What a role may be allowed to do; the columns of the table of roles."""

    SEE = "see bills, customers, usage and history"
    GENERATE = "generate bills"
    RELEASE = "release a held bill"
    APPROVE = "approve bills"
    REJECT = "reject bills"
    COMMENT = "comment on bills"
    UNDO_ANY = "undo anybody's decision"
    UNDO_OWN = "undo decisions"
    REVISE = "revise bills"
    SEND = "send bills"
    SAY_ARRIVED = "say that a bill has arrived"
    VOID = "make bills void"
    REISSUE = "bill a void month again"
    REASSIGN = "ask another approver"
    GO_AWAY = "go away and name a delegate"
    KEEP_BOOKS = "record usage and edit customers"
    GIVE_ROLES = "give people roles"
    KEEP_WEBHOOKS = "keep webhooks"
    SEE_SETTINGS = "see settings and health"
    AUTOMATE = "do what Countersign does by itself"


_APPROVERS = frozenset(
    {
        Permission.SEE,
        Permission.APPROVE,
        Permission.REJECT,
        Permission.COMMENT,
        Permission.UNDO_OWN,
        Permission.GO_AWAY,
    }
)

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.FINANCE: frozenset(
        {
            Permission.SEE,
            Permission.GENERATE,
            Permission.RELEASE,
            Permission.COMMENT,
            Permission.UNDO_ANY,
            Permission.UNDO_OWN,
            Permission.REVISE,
            Permission.SEND,
            Permission.SAY_ARRIVED,
            Permission.VOID,
            Permission.REISSUE,
            Permission.REASSIGN,
            Permission.KEEP_BOOKS,
            Permission.GIVE_ROLES,
            Permission.KEEP_WEBHOOKS,
            Permission.SEE_SETTINGS,
        }
    ),
    Role.CSM: _APPROVERS,
    Role.SALES: _APPROVERS,
    Role.MANAGER: frozenset({Permission.SEE}),
}

APPROVER_ROLES = [role for role, able in ROLE_PERMISSIONS.items() if Permission.APPROVE in able]

SYSTEM_PERMISSIONS = frozenset(
    {
        Permission.SEE,
        Permission.GENERATE,
        Permission.KEEP_BOOKS,
        Permission.GIVE_ROLES,
        Permission.SAY_ARRIVED,
        Permission.VOID,
        Permission.AUTOMATE,
    }
)
"""What the clock and the command line may do; decisions and comments are people's alone."""
