"""Each request comes by a token of its own, since some of them sign out whoever asks."""

import itertools
import os
from typing import Any

import schemathesis


@schemathesis.auth()
class Tokens:
    """Bearer tokens from the environment, one after the other."""

    def __init__(self) -> None:
        self._tokens = itertools.cycle(os.environ["FUZZ_TOKENS"].split())

    def get(self, case: Any, context: Any) -> str:
        return next(self._tokens)

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"
