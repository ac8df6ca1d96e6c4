"""A Slack of one's own on one machine: for the curious, and for the tests."""
