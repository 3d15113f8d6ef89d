"""``/api`` without a version: tasks, in the words of its clients."""
