"""The HTTP endpoints of the fleet."""
