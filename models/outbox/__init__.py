"""What has to be told to somebody: messages, their jobs and their delivery."""
