"""What tests stand on: databases, people, the bot or a part of it, and what people do in Slack."""
