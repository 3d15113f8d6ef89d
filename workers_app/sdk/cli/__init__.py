"""What ``python -m workers_app.sdk`` reads and writes."""
