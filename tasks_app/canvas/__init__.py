"""From a plan to Celery's chain and chord, and out."""
