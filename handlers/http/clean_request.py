"""Requests without NUL, which is in no text and which PostgreSQL cannot keep."""

from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, QueryParams, UploadFile


class CleanRequest(Request):
    """A request whose texts, wherever in it they stand, have no NUL: it is left out."""

    @property
    def query_params(self) -> QueryParams:
        given = super().query_params.multi_items()
        return QueryParams([(without_nul(name), without_nul(value)) for name, value in given])

    @property
    def path_params(self) -> dict[str, Any]:
        given: dict[str, Any] = without_nul(super().path_params)
        return given

    async def json(self) -> Any:
        return without_nul(await super().json())

    async def _get_form(self, **limits: Any) -> FormData:
        given = (await super()._get_form(**limits)).multi_items()
        for _, file in given:
            if isinstance(file, UploadFile):
                file.filename = without_nul(file.filename)
        return FormData([(without_nul(name), without_nul(value)) for name, value in given])


def without_nul(value: Any) -> Any:
    """The same, as JSON may have it, with no NUL in any text."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list):
        return [without_nul(one) for one in value]
    if isinstance(value, dict):
        return {without_nul(name): without_nul(one) for name, one in value.items()}
    return value
