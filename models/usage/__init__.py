"""What customers used, month by month."""
