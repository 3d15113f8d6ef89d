"""How workers reach the record: Celery's broker or HTTP."""
