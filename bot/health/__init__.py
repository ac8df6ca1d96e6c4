"""What the program can tell of its own settings, and of what it stands on."""
