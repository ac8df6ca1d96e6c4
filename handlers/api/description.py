"""Where the API describes itself."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from handlers.http.gate import Access, ApiRoute, Visiting, open_to

router = APIRouter(route_class=ApiRoute)


@router.get("/openapi.json", include_in_schema=False)
@open_to(Access.ANYBODY)
async def openapi_document(visit: Visiting) -> JSONResponse:
    """The whole of the API (OpenAPI 3.1)."""
    return JSONResponse(visit.request.app.openapi())
