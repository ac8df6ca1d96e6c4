"""What goes out to customers and auditors: invoices, the mails around them, evidence."""
