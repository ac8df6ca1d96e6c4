"""How each setting is written, for whoever has to mend it."""

WHAT_TO_DO = {
    "DATABASE_URL": "Write it as postgresql://user:password@host:5432/database, or leave it unset "
    "for an embedded PostgreSQL.",
    "COUNTERSIGN_DATA": "Name a folder that this user can write to.",
    "TIMEZONE": "Name the company's time zone by a place, as in Europe/Zurich, or write UTC.",
    "HOLD_JUMP_FACTOR": "Write a number above 1, as in 5, or leave it unset to hold nothing.",
    "APPROVALS_CHANNEL": "Write the channel's id, as in C012AB3CD, which stands at the end of the "
    "channel's details, or a link to the channel.",
    "HOLIDAYS": "Write a country, or a country and a part of it, as in DE or DE-BY. What only "
    "some keep comes after a slash, as in DE-BY/catholic.",
    "AWAY_STATUSES": "Write the names of emojis with commas between them, as in "
    "palm_tree,face_with_thermometer, or none.",
    "MONTH_END_DAY": "Write a day of the month from 1 to 31, or last; leave it unset to generate "
    "months by hand.",
    "MONTH_END_HOUR": "Write a full hour from 0 to 23, in the company's time zone.",
    "PULL_HOUR": "Write a full hour from 0 to 23, in the company's time zone.",
    "MONTH_END_AUTOMATIC": "Write 1 to generate without asking, or leave it unset.",
    "LOOKBACK_MONTHS": "Write a number of months from 0 to 120.",
    "MAX_SHARE_TO_ZERO": "Write a part of 1, as in 0.1 for a tenth; 1 takes anything.",
    "PULL_MINUTES": "Write a number of minutes, up to 1440.",
    "WAREHOUSE_FILES": "Write folders with commas between them, as in /srv/events,/srv/archive.",
    "SLACK_BOT_TOKEN": "Copy the Bot User OAuth Token, which begins with xoxb-, from the page "
    "“OAuth & Permissions” of your Slack app.",
    "SLACK_APP_TOKEN": "Make an app-level token with the scope connections:write on the page "
    "“Basic Information” of your Slack app; it begins with xapp-.",
    "SLACK_SIGNING_SECRET": "Copy it from the page “Basic Information” of your Slack app.",
    "SLACK_API_URL": "Write the address of the Web API as in https://slack.com/api/, without the "
    "name of a method, or leave it unset for Slack's.",
    "COMMAND_PREFIX": "Use lower-case letters, digits, - and _ only, up to 20.",
    "FINANCE_SLACK_IDS": "Write member ids with commas between them, as in U012AB3CD,U034EF5GH.",
    "PUBLIC_URL": "Write the address of the web pages as people type it, with https:// and without "
    "a password or a question mark.",
    "USAGE_LINK_DAYS": "Write a number of days from 0 to 3650; 0 is for no links to customers.",
    "TRUSTED_PROXIES": "Write the addresses or networks of your proxies with commas between them, "
    "as in 10.0.0.7,192.168.1.0/24, or leave it unset where there are none.",
    "HOST": "Write the address to listen on; 127.0.0.1 is this machine alone.",
    "PORT": "Write a number from 1 to 65535.",
    "SMTP_URL": "Write it as smtp://user:password@host:587?starttls=1, or with smtps://, and what "
    "is special in the password percent-encoded.",
    "SMTP_CA_FILE": "Name a file of certificates in PEM, which starts with BEGIN CERTIFICATE.",
    "SMTP_HELO_NAME": "Write this machine’s name with its domain, as in bills.example.com, in "
    "ASCII, or leave it unset.",
    "BOUNCES_URL": "Write it as imaps://user:password@host:993/INBOX, or with imap://, and what is "
    "special in the password percent-encoded.",
    "MAIL_FROM": "Write one address, as in Example Billing <billing@example.com>.",
    "EMAIL_DRY_RUN": "Write 1 to have letters written and not mailed, or leave it unset.",
    "SEND_DELAY_MINUTES": "Write a number of minutes from 0 to 10080.",
    "SEND_PER_MINUTE": "Write how many bills are mailed in a minute, up to 100000; 0 is as fast as "
    "they go.",
    "COMPANY_NAME": "Write the company's name as it stands on invoices, on one line.",
    "COMPANY_ADDRESS": "Write the company's address, with commas or line breaks in it.",
    "COMPANY_COUNTRY": "Write the country's two letters of ISO 3166-1, as in CH or, for the United "
    "Kingdom, GB.",
    "COMPANY_TAX_ID": "Write the company's own tax number, on one line.",
    "PAYMENT_DAYS": "Write a number of days from 0 to 365.",
    "PAYMENT_NOTE": "Write what invoices say about payment, up to 1,000 characters.",
    "LOCALE": "Name a language and country as in en_GB.",
    "INVOICE_TEMPLATES": "Name a folder with an invoice.typ in it, or leave it unset for our own.",
    "E_INVOICE": "Write factur-x, and install countersign[e-invoice]; or leave it unset for "
    "PDF alone.",
    "WEBHOOK_HOSTS": "Write names or addresses of hosts with commas between them, without https:// "
    "and without a port, as in hooks.internal,10.0.0.8.",
    "METRICS_TOKEN": "Think of 16 letters or more that nobody guesses, and give them to "
    "Prometheus; unset, nobody may read metrics.",
    "WORKER_PORT": "Write a number from 1 to 65535, other than PORT, or leave it unset.",
    "LOG_LEVEL": "Choose DEBUG, INFO, WARNING or ERROR.",
}
