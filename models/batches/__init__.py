"""Work on many bills at once, resumable: a month generated, a list sent."""
