"""The ground: what is true and what may happen."""

import zoneinfo

# Zones are those of tzdata alone, whatever the system has: else a month begins at another instant
# on another machine.
zoneinfo.reset_tzpath(())
