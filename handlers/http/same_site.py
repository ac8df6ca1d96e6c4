"""That no other site's page can do things in the name of whoever is signed in here."""

from urllib.parse import urlsplit

from fastapi import Request

from handlers.http.errors import Foreign
from handlers.http.services import services_of

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OWN = frozenset({"same-origin", "none"})


def refuse_foreign(request: Request) -> None:
    """Refuse what a browser sent from a page of another origin, except questions.

    Every browser says by `Sec-Fetch-Site`, else by `Origin`, where a request that changes
    something comes from, and no page can forge either. What says neither is no browser.
    """
    if request.method in SAFE:
        return
    if not _is_own(request):
        raise Foreign


def _is_own(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in OWN
    origin = request.headers.get("origin")
    hosts = {request.headers.get("host"), services_of(request).host}
    return origin is None or urlsplit(origin).netloc in hosts
