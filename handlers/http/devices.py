"""What a device is called in the list of those that somebody is signed in on."""

from fastapi import Request

UNKNOWN = "Unknown device"

# The first that is named counts: most browsers name others as well.
_PROGRAMS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
    ("python", "Python"),
    ("aiohttp", "Python"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_label(request: Request) -> str:
    """As in "Firefox on Windows", of what the device says of itself."""
    said = request.headers.get("user-agent", "").casefold()
    program = next((name for sign, name in _PROGRAMS if sign.casefold() in said), None)
    system = next((name for sign, name in _SYSTEMS if sign.casefold() in said), None)
    return " on ".join(filter(None, (program, system))) or UNKNOWN
