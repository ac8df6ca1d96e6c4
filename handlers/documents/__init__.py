"""What leaves the house on paper: invoices, the mails around them, evidence."""
