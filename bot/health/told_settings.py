"""The settings in force, told without secrets."""

from pydantic import SecretStr

from bot.settings import Settings

NOT_TOLD = "set, not shown"
NOT_SET = "not set"


def told_settings(settings: Settings) -> list[tuple[str, str]]:
    """Every setting by its name with what it is in force as; of what is secret only whether."""
    return [(name.upper(), _told(getattr(settings, name))) for name in Settings.model_fields]


def _told(value: object) -> str:
    if value is None or value in ("", ()):
        return NOT_SET
    if isinstance(value, SecretStr):
        return NOT_TOLD
    if isinstance(value, bool | float):
        return str(value).lower().removesuffix(".0")
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
