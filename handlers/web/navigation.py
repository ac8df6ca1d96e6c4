"""Where the header of every page leads, for whoever is signed in."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.named_people import PersonRef
from models.people.permissions import ROLE_PERMISSIONS, Permission, Role


@dataclass(frozen=True)
class Place:
    """A page that the header leads to; to it belong those below it, and below `below`."""

    name: str
    path: str
    permission: Permission
    below: str = ""

    def holds(self, path: str) -> bool:
        return path == self.path or self.is_above(path)

    def is_above(self, path: str) -> bool:
        return path.startswith((f"{self.path}/", self.below or f"{self.path}/"))


PLACES = (
    Place("Bills", "/dashboard", Permission.SEE, "/bills/"),
    Place("Month", "/month", Permission.SEE),
    Place("Customers", "/customers", Permission.SEE),
    Place("Import", "/import", Permission.KEEP_BOOKS),
    Place("Sources", "/sources", Permission.KEEP_BOOKS),
    Place("People", "/people", Permission.GIVE_ROLES),
    Place("Webhooks", "/webhooks", Permission.KEEP_WEBHOOKS),
    Place("Settings", "/settings", Permission.SEE_SETTINGS),
)


def places_of(reader: PersonRef | None) -> Sequence[Place]:
    """The pages that this person may open."""
    if reader is None or reader.role is None:
        return ()
    allowed = ROLE_PERMISSIONS[Role(reader.role)]
    return [place for place in PLACES if place.permission in allowed]
