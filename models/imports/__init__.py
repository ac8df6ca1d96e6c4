"""Customers, usage and people from CSV files: all of a file, or nothing of it."""
