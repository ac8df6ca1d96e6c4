"""Pages drawn from templates, in which everything that people typed is escaped."""

from pathlib import Path
from typing import Any

import jinja2
from fastapi.responses import HTMLResponse

_TEMPLATES = Path(__file__).parent / "templates"
_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, status_code: int = 200, **facts: Any) -> HTMLResponse:
    """The page that `template` draws of these facts."""
    return HTMLResponse(_environment.get_template(template).render(facts), status_code=status_code)
