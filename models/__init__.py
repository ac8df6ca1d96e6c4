"""The ground: what is true and what may happen."""
