"""What is refused, as `application/problem+json` (RFC 9457)."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from handlers.api.bill_answers import action_answer
from handlers.http.errors import Ending, headers_of, status_of
from handlers.http.faults import WHOLE_BODY, faults_of, sentence_of
from handlers.http.names import names_known
from handlers.http.refused import standing_of
from handlers.wording.formatting import clean
from handlers.wording.refusals import Medium, refusal_text
from models.errors import Invalid, InvalidFields, NotAllowed, Refusal
from models.imports.rows import BadRows


def problem(status: int, detail: str, **more: Any) -> JSONResponse:
    """`detail` is a sentence for a person; `more` is for programs."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


def problem_of(request: Request, error: Ending) -> JSONResponse:
    """The answer to whatever a request ended with."""
    if isinstance(error, Refusal):
        told = _faults(error) | _who_can(error) | _since(request)
        answer = problem(status_of(error), _sentence(error), **told)
        answer.headers.update(headers_of(error))
        return answer
    if isinstance(error, RequestValidationError):
        return _invalid(request, error.errors())
    if isinstance(error, HTTPException):
        answer = problem(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer
    return problem(500, str(error), reference=error.reference)


def _sentence(refused: Refusal) -> str:
    told = refusal_text(refused, Medium.WEB)
    if not isinstance(refused, BadRows):
        return told
    first = refused.flaws[0]
    place = f"row {first.line}, {first.column}" if first.column else f"row {first.line}"
    return f"{told} The first, {place}: {clean(first.reason)}."


def _faults(refused: Refusal) -> dict[str, Any]:
    """The input that is at fault; where it is more than one thing, everything that is wrong."""
    if isinstance(refused, InvalidFields):
        each = refused.faults.items()
        errors = [{"field": field, "reason": reason} for field, reason in each]
        return {"field": refused.field, "errors": errors}
    if isinstance(refused, Invalid) and refused.field:
        return {"field": refused.field}
    if isinstance(refused, BadRows):
        rows = [
            {"row": flaw.line, "field": flaw.column, "reason": flaw.reason}
            for flaw in refused.flaws
        ]
        field = refused.flaws[0].column or WHOLE_BODY
        return {"field": field, "errors": rows, "total": refused.total}
    return {}


def _who_can(refused: Refusal) -> dict[str, Any]:
    """Of what others may: a few of them by name, and how many others."""
    who = refused.who_can if isinstance(refused, NotAllowed) else None
    if who is None:
        return {}
    people = [{"id": one.id, "name": one.name, "role": one.role} for one in who.people]
    return {"who_can": {"people": people, "others": who.others}}


def _since(request: Request) -> dict[str, Any]:
    """Of a decision that came too late: the bill's version now, and what was done since then."""
    standing = standing_of(request)
    if standing is None:
        return {}
    since = [action_answer(one, standing.bill_id) for one in standing.since]
    return {
        "version": standing.version,
        "since": [one.model_dump(mode="json") for one in since],
    }


def _invalid(request: Request, errors: Sequence[Any]) -> JSONResponse:
    faults = faults_of(errors, names_known(request))
    return problem(422, sentence_of(faults[0]), field=faults[0]["field"], errors=faults)
