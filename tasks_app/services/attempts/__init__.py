"""One attempt at a task: claimed, reported on, logged, ended."""
