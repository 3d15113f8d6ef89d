"""``python -m tests.benchmarks.http``: the hot doors of the API, beside bare Django and bare ASGI."""
