"""Where things are on the web, for whoever is told of them elsewhere."""

from urllib.parse import urlencode

from handlers.wording.rich_text import Link, Sentence, code

_public_url = ""


def use_public_url(address: str) -> None:
    """Set where people reach the pages, once, as the program starts; without it nothing links."""
    global _public_url  # noqa: PLW0603 - one place, as there is one workspace
    _public_url = address


def page_address(path: str, **query: str) -> str | None:
    """A page of ours, if there are pages."""
    asked = f"?{urlencode(query)}" if query else ""
    return f"{_public_url}{path}{asked}" if _public_url else None


def on_page(words: str, path: str, command: str) -> Sentence:
    """As in "on the page Import"; where there are no pages, "with `countersign import`"."""
    address = page_address(path)
    return ("with ", code(command)) if address is None else ("on ", Link(words, address))


def bill_address(bill_id: int) -> str | None:
    """The page of a bill, if there are pages."""
    return page_address(f"/bills/{bill_id}")


def customer_address(customer_id: int) -> str | None:
    """The page of a customer, if there are pages."""
    return page_address(f"/customers/{customer_id}")


def source_address(source_id: int | None = None) -> str | None:
    """The page of a source of usage, or of all of them, if there are pages."""
    return page_address("/sources" if source_id is None else f"/sources/{source_id}")


def sign_in_address(token: str) -> str | None:
    """Where a one-time link leads, if there are pages. It is a secret."""
    return page_address(f"/sign-in/{token}")
