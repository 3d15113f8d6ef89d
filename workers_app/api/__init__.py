"""The HTTP doors of the fleet."""
