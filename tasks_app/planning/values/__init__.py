"""Plain values: spans, times, JSON, forms, sets of requirements."""
