"""What can be asked of an address."""

from fastapi import Request
from fastapi.routing import iter_route_contexts


def methods_at(request: Request) -> str:
    """As the header `Allow` has it: of every route there, not of the first one alone. Wherever GET
    is, HEAD is answered.
    """
    methods = _methods_of(request, request.url.path)
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def readable_above(request: Request) -> str:
    """The path of the nearest page above the one that is asked for."""
    path = request.url.path.rpartition("/")[0]
    while path and "GET" not in _methods_of(request, path):
        path = path.rpartition("/")[0]
    return path or "/"


def _methods_of(request: Request, path: str) -> set[str]:
    routes = iter_route_contexts(request.app.routes)
    return {
        method for one in routes if one.path_regex.fullmatch(path) for method in one.methods or ()
    }
