"""What the columns of customers, usage and people are called where people read them."""

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
    "api_usage": "Calls",
    "email": "E-mail",
    "role": "Role",
    "slack_user_id": "Slack account",
    "active": "Active",
    "customer": "Customer",
    "year": "Year",
    "month": "Month",
}


def field_name(column: str) -> str:
    return FIELDS.get(column, column)
