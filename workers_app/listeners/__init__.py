"""Listeners: what is told of the events of instances, after they were committed."""
