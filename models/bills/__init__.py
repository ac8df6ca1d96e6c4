"""One bill: its states, its figures, its record of actions, and whose word it needs."""
