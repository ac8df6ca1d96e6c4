"""What is said of a month that is not over: how near its limit is, and where it is heading."""

from decimal import Decimal
from zoneinfo import ZoneInfo

from handlers.wording.formatting import calls, day, money, month_name, name, number
from models.queries.month_outlook import Forecast, MonthOutlook
from models.usage.alerts import AlertKind

_DIGITS = 3


def about(count: int) -> str:
    """A guess with the digits it deserves: 118,437 is "118,000"."""
    places = max(0, len(str(count)) - _DIGITS)
    return number(round(count, -places))


def alert_text(outlook: MonthOutlook) -> str:
    """What was found about one customer's month, as in "has used 92 % of its limit: 92,000 of
    100,000 calls.", to stand behind the name.
    """
    found = outlook.alerts
    told = [_level(outlook)]
    if AlertKind.SPIKE in found or AlertKind.DROP in found:
        told.append(_unusual(outlook))
    return " ".join(filter(None, told))


def _level(outlook: MonthOutlook) -> str:
    so_far = f"{number(outlook.calls)} of {calls(outlook.limit_calls)}"
    if not outlook.limit_calls:
        return f"has none included and used {calls(outlook.calls)}."
    if outlook.calls > outlook.limit_calls:
        return f"is over its limit: {so_far}, {_percent(outlook)} %."
    if outlook.calls == outlook.limit_calls:
        return f"has used all that is included: {so_far}."
    if outlook.alerts & {AlertKind.NEAR, AlertKind.CLOSE}:
        return f"has used {_percent(outlook)} % of its limit: {so_far}."
    if AlertKind.FORECAST in outlook.alerts:
        return f"is heading over its limit: {so_far} so far."
    return f"has used {so_far} so far."


def _percent(outlook: MonthOutlook) -> str:
    return number(outlook.calls * 100 // outlook.limit_calls)


def _unusual(outlook: MonthOutlook) -> str:
    forecast = outlook.forecast
    if forecast is None or forecast.usual is None:
        return ""
    usual = f"usually {about(forecast.usual)} a month"
    if forecast.likely > forecast.usual:
        return f"That is unusually much, {usual}."
    return f"That is unusually little, {usual}."


def forecast_text(outlook: MonthOutlook, zone: ZoneInfo) -> str | None:
    """As in "By the end of October about 118,000 calls, most likely between 105,000 and 131,000:
    about 18,000 over the limit, $1,800.00 before tax."; None where nothing can be said yet.
    """
    forecast = outlook.forecast
    if forecast is None:
        return None
    ahead = (
        f"By the end of {month_name(outlook.period)} about {about(forecast.likely)} calls, most"
        f" likely between {about(forecast.low)} and {about(forecast.high)}"
    )
    return f"{ahead}{_over(outlook, forecast)}. {_how(outlook, forecast, zone)}"


def _over(outlook: MonthOutlook, forecast: Forecast) -> str:
    over = forecast.likely - outlook.limit_calls
    if over <= 0:
        return ", within the limit" if forecast.high <= outlook.limit_calls else ""
    priced = "" if forecast.amount is None else f", about {_about_money(forecast, outlook)}"
    return f": about {about(over)} over the limit{priced}"


def _about_money(forecast: Forecast, outlook: MonthOutlook) -> str:
    """A guess at an amount with the digits it deserves, in whole units where it has so many."""
    assert forecast.amount is not None
    places = max(0, forecast.amount.adjusted() + 1 - _DIGITS)
    rounded = round(forecast.amount, -places) if places else forecast.amount
    return f"{money(Decimal(rounded), outlook.currency)} before tax"


def _how(outlook: MonthOutlook, forecast: Forecast, zone: ZoneInfo) -> str:
    until = day(forecast.recorded_at.astimezone(zone).date()).rsplit(" ", 1)[0]
    before = " and from the months before" if forecast.uses_history else ""
    return f"Reckoned from the pace until {until}{before}."


def outlook_name(outlook: MonthOutlook) -> str:
    return name(outlook.customer)
