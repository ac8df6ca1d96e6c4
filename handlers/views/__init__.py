"""Pure drawing: facts in, payload out."""
