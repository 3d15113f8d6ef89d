"""``python -m tests.benchmarks.http``: the hot endpoints of the API, beside bare Django and bare ASGI."""
