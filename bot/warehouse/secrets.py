"""What an address names, read from the environment or `.env` when it is connected to."""

import os
from pathlib import Path

from dotenv import dotenv_values

from bot.warehouse.errors import SettingMissing


class NamedSettings:
    """Tells a setting by its name, and remembers all that it told."""

    def __init__(self) -> None:
        self.told: set[str] = set()

    def __call__(self, name: str) -> str:
        value = os.environ.get(name) or _of_file().get(name)
        if not value:
            raise SettingMissing(
                f"{name} is not set, which the source names. Put it into the environment or `.env`."
            )
        self.told.add(value)
        return value


def _of_file() -> dict[str, str | None]:
    return dotenv_values(".env") if Path(".env").is_file() else {}
