"""Nothing is lost and nothing doubled, however often the bot is killed."""
