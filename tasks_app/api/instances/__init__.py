"""Instances: read, controlled, in bulk, and their events."""
