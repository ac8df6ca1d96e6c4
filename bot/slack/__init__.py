"""The way to Slack: Web API, answers, socket."""
