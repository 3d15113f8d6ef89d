"""``python -m tests.benchmarks``: steps per second beside bare Celery, and SQL statements per task."""
