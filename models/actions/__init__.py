"""The verbs: what may be done to one bill, recorded or refused."""
