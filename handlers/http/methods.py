"""What can be asked of an address."""

from fastapi import Request
from fastapi.routing import iter_route_contexts


def methods_at(request: Request) -> str:
    """As the header `Allow` has it: of every route there, not of the first one alone. Wherever GET
    is, HEAD is answered.
    """
    found = (
        one.methods or ()
        for one in iter_route_contexts(request.app.routes)
        if one.path_regex.fullmatch(request.url.path)
    )
    methods = {method for those in found for method in those}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
