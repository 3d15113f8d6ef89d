"""Reads that many services share, and what the record asks of the fleet."""
