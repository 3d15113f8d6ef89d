"""One attempt at a task in this process: executed, streamed, reported."""
