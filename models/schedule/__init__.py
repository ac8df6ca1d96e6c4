"""What time alone brings about: what is due, and that it happens once."""
