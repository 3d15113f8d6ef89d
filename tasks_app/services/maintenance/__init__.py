"""Background chores: the sweep, timers, waits, garbage collection. Each is idempotent."""
