"""What the project needs before anything is installed."""
