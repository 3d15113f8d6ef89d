"""Instances, their events, and what they ask people."""
