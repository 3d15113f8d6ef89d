"""Tasks, their attempts and what they require."""
