"""What a ready task must pass before it may be claimed."""
