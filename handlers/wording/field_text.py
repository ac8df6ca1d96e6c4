"""What the columns of customers, usage and people are called where people read them."""

from handlers.wording.formatting import number, plain

FIELDS = {
    "name": "Name",
    "csm": "CSM",
    "sales": "Sales",
    "billing_address": "Billing address",
    "billing_email": "Billing e-mail",
    "cc_emails": "Copies to",
    "country": "Country",
    "tax_id": "Tax number",
    "tax_rate_percent": "Tax rate in percent",
    "tax_note": "Note on tax",
    "locale": "Language",
    "payment_days": "Days to pay",
    "currency": "Currency",
    "monthly_api_limit": "Included calls a month",
    "overage_unit_cost": "Price of a call over",
    "valid_from": "From the month",
    "start_date": "First day in contract",
    "end_date": "Last day in contract",
    "limit_proration": "Limit of a partial month",
    "require_csm_approval": "The CSM must approve",
    "require_sales_approval": "Sales must approve",
    "auto_approve_below": "Approve by itself below",
    "second_approval_above": "Both must approve above",
    "rules_currency": "Currency of these two amounts",
    "slack_channel_id": "Slack channel",
    "alerts_muted": "No alerts about usage",
    "api_usage": "Calls",
    "email": "E-mail",
    "role": "Role",
    "slack_user_id": "Slack account",
    "active": "Active",
    "customer": "Customer",
    "year": "Year",
    "month": "Month",
}

HINTS = {
    "overage_unit_cost": "Without one, bills are held.",
    "valid_from": "Empty: from this month on, or after the last one whose bill was sent.",
    "start_date": "Empty: ever since.",
    "end_date": "Empty: no end.",
    "auto_approve_below": "An amount. Empty: never.",
    "second_approval_above": "An amount. Empty: never.",
    "billing_email": "Several with commas between them.",
    "country": "Two letters, as in GB.",
    "locale": "As in de_CH.",
    "tax_rate_percent": "As in 19 or 8.1; 0 where there is none.",
    "tax_note": "Stands on the invoice where the rate is 0.",
    "payment_days": "Empty: as everybody.",
    "slack_channel_id": "Gets a copy of each card, and alerts. Its id or a link to it.",
    "alerts_muted": "Nobody is told that the limit comes near.",
    "rules_currency": "What the two amounts above are in.",
    "reason": "Kept with what stood there before.",
}
"""What a customer's form says under a field."""


def field_name(column: str) -> str:
    return FIELDS.get(column, column)


COUNTS = ("api_usage", "monthly_api_limit")
"""Fields with thousands to be told apart."""

VALUE_SHOWN, WHOLE = 100, 3000
_SWITCHES = ("require_csm_approval", "require_sales_approval", "active")
_YES_NO = {"true": "yes", "false": "no"}


def field_value(field: str, text: str | None, most: int = VALUE_SHOWN) -> str:
    """What a field holds, as books have it, for people to read: "1,250,000", "yes", "none"."""
    if not text:
        return "none"
    if field in _SWITCHES:
        return _YES_NO.get(text, text)
    return number(int(text)) if field in COUNTS else plain(text, most)
