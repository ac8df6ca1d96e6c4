"""Everything is drawn as it is where there are pages, to which it links."""

import pytest

from handlers.wording import addresses

PUBLIC_URL = "https://bills.example"


@pytest.fixture(autouse=True)
def _there_are_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_public_url", PUBLIC_URL)
