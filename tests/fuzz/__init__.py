"""The JSON API asked at random what its description allows, and what it does not."""
