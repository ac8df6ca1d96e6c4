"""What can be asked of an address."""

from fastapi import Request
from fastapi.routing import iter_route_contexts


def methods_at(request: Request) -> str:
    """As the header `Allow` has it: of every route there, not of the first one alone."""
    found = (
        one.methods or ()
        for one in iter_route_contexts(request.app.routes)
        if one.path_regex.fullmatch(request.url.path)
    )
    return ", ".join(sorted({method for methods in found for method in methods}))
