"""The JSON API: what each route takes and answers."""
