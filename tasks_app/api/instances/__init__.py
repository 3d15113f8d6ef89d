"""Instances: read, steered, in bulk, and their events."""
