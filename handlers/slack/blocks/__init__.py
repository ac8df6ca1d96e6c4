"""Block Kit, pure drawing: facts in, payload out."""
