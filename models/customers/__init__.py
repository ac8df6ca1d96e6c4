"""Customers, their terms by month, and finding one by what a person typed."""
