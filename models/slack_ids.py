"""What Slack calls people, channels and emojis, in whichever form people copy it."""

import re

from models.errors import Unreadable

MEMBER_ID = "[UW][A-Z0-9]{1,29}"
"""What Slack calls a person, as in U012AB3CD."""

CHANNEL_ID = "[CG][A-Z0-9]{1,29}"
"""What Slack calls a channel, as in C012AB3CD."""

_CHANNEL = re.compile(
    rf"(?:<\#)?(?P<id>{CHANNEL_ID})(?:\|[^<>]*)?>?"
    rf"|https://\S+\.slack\.com/(?:archives|client/[TE]\w+)/(?P<linked>{CHANNEL_ID})(?:[/?]\S*)?"
)
_MEMBER = re.compile(
    rf"(?:<@)?(?P<id>{MEMBER_ID})(?:\|[^<>]*)?>?"
    rf"|https://\S+\.slack\.com/team/(?P<linked>{MEMBER_ID})(?:[/?]\S*)?"
)


def read_channel_id(typed: str) -> str:
    """The id of a channel, from itself or a link to it; raises Unreadable for its name."""
    found = _CHANNEL.fullmatch(typed)
    if found is None:
        raise Unreadable(
            typed,
            "is not a channel's id; write it as in C012AB3CD: it stands at the end of the"
            " channel's details, and in a link to it",
        )
    return found["id"] or found["linked"]


def read_member_id(typed: str) -> str:
    """The id of a person, from itself or a link to them; raises Unreadable for a name."""
    found = _MEMBER.fullmatch(typed)
    if found is None:
        raise Unreadable(
            typed,
            "is not a Slack member id, as in U012AB3CD; “Copy member ID” stands in the menu of"
            " the person's profile",
            "slack_user_id",
        )
    return found["id"] or found["linked"]


_EMOJI = re.compile(r":?([\w+'-]{1,100}):?")


def read_emojis(typed: str) -> str:
    """Names of emojis, with commas between them and no colons; refuses what is none."""
    names = [_EMOJI.fullmatch(one) for one in re.split(r"[\s,]+", typed.strip(", "))]
    if not all(names):
        raise Unreadable(typed, "is no list of emojis; write it as palm_tree,face_with_thermometer")
    return ",".join(one[1] for one in names if one)
