"""Tasks: created on their own, read, steered."""
