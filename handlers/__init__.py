"""Media: what people ask, and how it is said."""
