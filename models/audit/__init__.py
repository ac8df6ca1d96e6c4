"""Proof that the record is as it was written, and evidence for others."""
