"""What ends a job early."""


class Interrupted(Exception):
    """The program is ending; whoever is next goes on."""


class Overtaken(Exception):
    """Another worker may be at work here; it took this one for dead."""


class PassedOver(Exception):
    """Somebody else was at a part of the work; what is left is tried again a little later."""


class GivenUp(Exception):
    """Something failed, and is not tried again."""
