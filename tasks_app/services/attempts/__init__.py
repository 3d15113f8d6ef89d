"""One attempt at a task, over whatever transport: claimed, kept by its lease, spoken of, ended."""
