"""Bills read for whoever draws them; nothing here writes."""
