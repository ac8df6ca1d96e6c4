"""Slack: what people type, click and send there, and what each of it does."""
