"""Modules that are imported when they are first used: a program start pays for what it does."""

from importlib import import_module
from typing import Any


class Late:
    """Stands for a module; whoever first asks for something in it has it imported.

    Type checkers are shown the module itself, by an import under `TYPE_CHECKING`.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._module), name)
