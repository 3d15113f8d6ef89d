-- Hot statements of SQLite about the fleet; see tasks_app/models/sql/sqlite.sql.

-- name: find_http_worker
-- The worker over HTTP of this id, with its project. One for each request of such a worker.
-- 84 us; 642 with the ORM.
SELECT worker.id, worker.public_id, worker.kind, worker.project_id, worker.pool, worker.name, worker.host,
       worker.pid, worker.slots, worker.is_limited, worker.platform, worker.version, worker.capabilities,
       worker.labels, worker.tools, worker.queues, worker.projects, worker.metadata, worker.cpu_percent,
       worker.memory_percent, worker.disk_percent, worker.tasks_completed, worker.registered_at,
       worker.started_at, worker.heartbeat_at, worker.heartbeat_seconds, worker.silent_at,
       worker.draining_at, worker.drain_requested_at, worker.stop_requested_at, worker.left_at,
       project.id, project.slug, project.name, project.max_parallel, project.weight, project.created_at
  FROM workers_app_worker AS worker
  LEFT JOIN tasks_app_project AS project ON project.id = worker.project_id
 WHERE worker.public_id = :worker_id AND worker.kind = 'http';
