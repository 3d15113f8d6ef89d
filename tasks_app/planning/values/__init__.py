"""Plain values: spans, times, JSON, forms, sets of requirements, what is stored of a task."""
