"""Slack's own types of messages and views, at the versions that `package-lock.json` pins."""
