"""Entries for accounting programs, each in its own format."""
