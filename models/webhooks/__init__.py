"""Webhooks: whoever is told, over HTTP, what happens to bills."""
