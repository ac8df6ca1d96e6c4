"""Modules that are imported when they are first used: a program start pays for what it does."""

import gc
from importlib import import_module
from types import ModuleType
from typing import Any


class Late:
    """Stands for a module; whoever first asks for something in it has it imported.

    Type checkers are shown the module itself, by an import under `TYPE_CHECKING`.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(_imported(self._module), name)


def _imported(module: str) -> ModuleType:
    """Nothing that modules are made of is garbage: looked for meanwhile, as they pile up, it costs
    a tenth of the import.
    """
    if not gc.isenabled():
        return import_module(module)
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.enable()
