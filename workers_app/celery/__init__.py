"""What Celery calls: tasks, worker hooks, queues, when a worker leaves by itself."""
