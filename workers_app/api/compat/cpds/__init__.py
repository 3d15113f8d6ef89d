"""``/api`` without a version: workers, in the words of its clients."""
