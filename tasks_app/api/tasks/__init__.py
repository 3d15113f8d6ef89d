"""Tasks: created on their own, read, controlled."""
