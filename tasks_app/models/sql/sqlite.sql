-- Hot statements of SQLite. What they are and how they are read: cpds/base/statements.py; who runs them: the
-- names in capitals that tasks_app/models/hot_path.py and the services give them. In a shell:
--   sqlite3 var/db.sqlite3, then  .parameter set :task_id 1  for each value, then the statement.
-- "12 us; 260 with the ORM": CPU time of one run from Python, and of the same done with QuerySets.

-- name: claim_task
-- Take a task that was published under a dispatch; no row: it is not to be had. One for each attempt.
-- 64 us; 5044 with the ORM.
UPDATE tasks_app_task AS task
   SET status = 'running',
       worker = :worker,
       lease_expires_at = strftime('%Y-%m-%d %H:%M:%f', 'now', :lease_seconds || ' seconds'),
       started_at = strftime('%Y-%m-%d %H:%M:%f', 'now'),
       progress = NULL,
       progress_message = '',
       reason = '',
       attempts = attempts + 1
 WHERE task.id = :task_id
   AND task.dispatch_id = :dispatch_id
   AND task.status IN ('pending', 'queued')
   AND task.gate = :gate
   AND (task.requirement = '' OR instr(:able, '|' || task.requirement || '|') > 0)
   AND (:serves = '*' OR instr(:serves, '|' || task.project_id || '|') > 0)
   AND EXISTS (
       SELECT 1 FROM tasks_app_instance AS instance
        WHERE instance.id = task.instance_id
          AND instance.status = CASE WHEN task.compensates_id IS NULL THEN 'running' ELSE 'compensating' END)
   AND CASE task."join"
       WHEN 'all' THEN NOT EXISTS (
            SELECT 1 FROM tasks_app_dependency AS need JOIN tasks_app_task AS needed ON needed.id = need.needed_id
             WHERE need.task_id = task.id AND needed.satisfies IS NOT TRUE)
       WHEN 'any' THEN EXISTS (
            SELECT 1 FROM tasks_app_dependency AS need JOIN tasks_app_task AS needed ON needed.id = need.needed_id
             WHERE need.task_id = task.id AND needed.satisfies)
       WHEN 'all_done' THEN NOT EXISTS (
            SELECT 1 FROM tasks_app_dependency AS need JOIN tasks_app_task AS needed ON needed.id = need.needed_id
             WHERE need.task_id = task.id AND needed.satisfies IS NULL)
       WHEN 'at_least' THEN task.join_count <= (
            SELECT count(*) FROM tasks_app_dependency AS need JOIN tasks_app_task AS needed ON needed.id = need.needed_id
             WHERE need.task_id = task.id AND needed.satisfies)
       END
RETURNING instance_id, attempts, failures, name, compensates_id, executor, spec, timeout_seconds, parent_id;

-- name: claim_without_message
-- Take a task of one of these executors without a message, under a new dispatch: one that waits for a worker
-- over HTTP, or one that is lent to such workers, published or not. No row: it is not to be had.
-- 60 us; 4957 with the ORM.
UPDATE tasks_app_task AS task
   SET status = 'running',
       dispatch_id = :dispatch_id,
       worker = :worker,
       lease_expires_at = strftime('%Y-%m-%d %H:%M:%f', 'now', :lease_seconds || ' seconds'),
       started_at = strftime('%Y-%m-%d %H:%M:%f', 'now'),
       progress = NULL,
       progress_message = '',
       reason = '',
       attempts = attempts + 1
 WHERE task.id = :task_id
   AND instr(:executors, '|' || task.executor || '|') > 0
   AND task.gate = ''
   AND (task.status = 'pending' AND task.dispatch_id IS NULL AND task.ready_at IS NOT NULL
        OR task.status = 'queued' AND task.executor <> 'external')
   AND EXISTS (
       SELECT 1 FROM tasks_app_instance AS instance
        WHERE instance.id = task.instance_id
          AND instance.status = CASE WHEN task.compensates_id IS NULL THEN 'running' ELSE 'compensating' END)
   AND CASE task."join"
       WHEN 'all' THEN NOT EXISTS (
            SELECT 1 FROM tasks_app_dependency AS need JOIN tasks_app_task AS needed ON needed.id = need.needed_id
             WHERE need.task_id = task.id AND needed.satisfies IS NOT TRUE)
       WHEN 'any' THEN EXISTS (
            SELECT 1 FROM tasks_app_dependency AS need JOIN tasks_app_task AS needed ON needed.id = need.needed_id
             WHERE need.task_id = task.id AND needed.satisfies)
       WHEN 'all_done' THEN NOT EXISTS (
            SELECT 1 FROM tasks_app_dependency AS need JOIN tasks_app_task AS needed ON needed.id = need.needed_id
             WHERE need.task_id = task.id AND needed.satisfies IS NULL)
       WHEN 'at_least' THEN task.join_count <= (
            SELECT count(*) FROM tasks_app_dependency AS need JOIN tasks_app_task AS needed ON needed.id = need.needed_id
             WHERE need.task_id = task.id AND needed.satisfies)
       END
RETURNING instance_id, attempts, failures, name, compensates_id, executor, spec, timeout_seconds, parent_id;

-- name: complete_task
-- Complete a task that is held; no row: it is not, and nothing may be written. One for each attempt.
-- 50 us; 580 with the ORM.
UPDATE tasks_app_task
   SET status = 'completed',
       satisfies = TRUE,
       output = :output,
       error_kind = '',
       error_message = '',
       lease_expires_at = NULL,
       finished_at = strftime('%Y-%m-%d %H:%M:%f', 'now')
 WHERE id = :task_id
   AND dispatch_id = :dispatch_id
   AND status = 'running'
RETURNING id;

-- name: open_record
-- Open the record of an attempt. One for each.
-- 24 us; 268 with the ORM.
INSERT INTO tasks_app_executionrecord (
       task_id, number, dispatch_id, executor, mode, worker, status,
       finished_at, revoked_until, prompt, answer, output, error_kind, error_message, error_detail,
       model, call_id, tokens, tokens_used, cost_usd_micros, simulated, metadata)
VALUES (:task_id, :number, :dispatch_id, :executor, :mode, :worker, 'running',
       NULL, NULL, NULL, NULL, NULL, '', '', '{}',
       '', '', '{}', NULL, NULL, FALSE, '{}');

-- name: close_record
-- Close the record of a completed attempt that reported nothing beside its output. One for each.
-- 37 us; 290 with the ORM.
UPDATE tasks_app_executionrecord
   SET status = 'completed',
       finished_at = strftime('%Y-%m-%d %H:%M:%f', 'now'),
       output = :output
 WHERE task_id = :task_id
   AND dispatch_id = :dispatch_id
RETURNING id;

-- name: note_move
-- Write the event of a task's move. Two for each attempt.
-- 28 us; 234 with the ORM.
INSERT INTO tasks_app_event (instance_id, project_id, task_id, kind, attempt, worker, message, data)
VALUES (:instance_id, NULL, :task_id, :kind, :attempt, :worker, '', :data);

-- name: look_around
-- Has a completed task unfinished followers in its instance, has it ready ones that are not planned under its
-- own dispatch, and does any ready task wait for room? One for each completed task. Of the followers, few, the
-- instance is looked up without its index, which would read all that is unfinished in it.
-- 30 us; 6014 with the ORM.
SELECT EXISTS (
       SELECT 1 FROM tasks_app_dependency AS need CROSS JOIN tasks_app_task AS follower
        WHERE need.needed_id = :task_id
          AND follower.id = need.task_id
          AND follower.instance_id + 0 = task.instance_id
          AND follower.status IN ('pending', 'queued', 'running', 'waiting', 'compensating')) AS unfinished,
       EXISTS (
       SELECT 1 FROM tasks_app_dependency AS edge CROSS JOIN tasks_app_task AS follower
        WHERE edge.needed_id = :task_id
          AND follower.id = edge.task_id
          AND follower.status = 'pending'
          AND (follower.dispatch_id IS NULL OR follower.dispatch_id <> :dispatch_id)
          AND CASE follower."join"
              WHEN 'all' THEN NOT EXISTS (
                   SELECT 1 FROM tasks_app_dependency AS need JOIN tasks_app_task AS needed ON needed.id = need.needed_id
                    WHERE need.task_id = follower.id AND needed.satisfies IS NOT TRUE)
              WHEN 'any' THEN EXISTS (
                   SELECT 1 FROM tasks_app_dependency AS need JOIN tasks_app_task AS needed ON needed.id = need.needed_id
                    WHERE need.task_id = follower.id AND needed.satisfies)
              WHEN 'all_done' THEN NOT EXISTS (
                   SELECT 1 FROM tasks_app_dependency AS need JOIN tasks_app_task AS needed ON needed.id = need.needed_id
                    WHERE need.task_id = follower.id AND needed.satisfies IS NULL)
              WHEN 'at_least' THEN follower.join_count <= (
                   SELECT count(*) FROM tasks_app_dependency AS need JOIN tasks_app_task AS needed ON needed.id = need.needed_id
                    WHERE need.task_id = follower.id AND needed.satisfies)
              END) AS ready,
       EXISTS (
       SELECT 1 FROM tasks_app_task AS waiting
        WHERE waiting.status = 'pending' AND waiting.dispatch_id IS NULL AND waiting.ready_at IS NOT NULL
          AND NOT (waiting.executor = 'external' AND waiting.gate = '')) AS backlog
  FROM tasks_app_task AS task
 WHERE task.id = :task_id;

-- name: look_at_window
-- What is out, what runs and what waits, for the publish window. One for each planning.
-- The states stand in the text, and columns are named that always have a value then: so SQLite sees that its
-- partial indexes task_queued, task_leases and task_backlog will do, and reads only what is out or runs, and
-- CROSS JOIN has it begin with the tasks, not with all that a project ever had. Of what waits it reads one row
-- for each requirement set and project, by leaps along the index; two steps to a leap, because SQLite compares
-- a pair with its index by the first column only.
-- 23 us.
WITH RECURSIVE waiting(requirement, project) AS (
 SELECT requirement, project_id
   FROM (SELECT one.requirement, one.project_id FROM tasks_app_task AS one
          WHERE one.status = 'pending' AND one.dispatch_id IS NULL AND one.ready_at IS NOT NULL
            AND NOT (one.executor = 'external' AND one.gate = '')
          ORDER BY one.requirement, one.project_id LIMIT 1) AS foremost
 UNION ALL
 SELECT following.requirement, following.project_id
   FROM waiting CROSS JOIN tasks_app_task AS following
  WHERE following.id = COALESCE(
   (SELECT one.id FROM tasks_app_task AS one
     WHERE one.status = 'pending' AND one.dispatch_id IS NULL AND one.ready_at IS NOT NULL
       AND NOT (one.executor = 'external' AND one.gate = '')
       AND one.requirement = waiting.requirement AND one.project_id > waiting.project
     ORDER BY one.project_id LIMIT 1),
   (SELECT one.id FROM tasks_app_task AS one
     WHERE one.status = 'pending' AND one.dispatch_id IS NULL AND one.ready_at IS NOT NULL
       AND NOT (one.executor = 'external' AND one.gate = '')
       AND one.requirement > waiting.requirement
     ORDER BY one.requirement, one.project_id LIMIT 1))
)
SELECT 'queued', CASE WHEN task.is_express THEN 'express' ELSE '' END,
       task.requirement, project.id, project.weight, project.max_parallel, COUNT(*)
  FROM tasks_app_task AS task CROSS JOIN tasks_app_project AS project
 WHERE project.id = task.project_id AND task.status = 'queued' AND task.published_at IS NOT NULL
 GROUP BY task.is_express, task.requirement, project.id, project.weight, project.max_parallel
UNION ALL
SELECT 'running', task.worker, task.requirement, project.id, project.weight, project.max_parallel, COUNT(*)
  FROM tasks_app_task AS task CROSS JOIN tasks_app_project AS project
 WHERE project.id = task.project_id AND task.status = 'running' AND task.lease_expires_at IS NOT NULL
   AND task.executor <> 'external'
 GROUP BY task.worker, task.requirement, project.id, project.weight, project.max_parallel
UNION ALL
SELECT 'waiting', '', waiting.requirement, project.id, project.weight, project.max_parallel, 1
  FROM waiting CROSS JOIN tasks_app_project AS project
 WHERE project.id = waiting.project;

-- name: queue_depth
-- How many tasks of each project are ready (in two rows), queued, running and waiting. One for each look at the
-- status. So written that partial indexes will do, as in look_at_window: grouped by +project_id, since SQLite
-- would rather read all that the projects ever had, in order.
SELECT 'ready', project_id, COUNT(*) FROM tasks_app_task
 WHERE status = 'pending' AND dispatch_id IS NULL AND ready_at IS NOT NULL
   AND NOT (executor = 'external' AND gate = '') GROUP BY +project_id
UNION ALL
SELECT 'ready', project_id, COUNT(*) FROM tasks_app_task
 WHERE status = 'pending' AND dispatch_id IS NULL AND ready_at IS NOT NULL
   AND executor = 'external' AND gate = '' GROUP BY +project_id
UNION ALL
SELECT 'queued', project_id, COUNT(*) FROM tasks_app_task WHERE status = 'queued' GROUP BY +project_id
UNION ALL
SELECT 'running', project_id, COUNT(*) FROM tasks_app_task WHERE status = 'running' GROUP BY +project_id
UNION ALL
SELECT 'waiting', project_id, COUNT(*) FROM tasks_app_task WHERE status = 'waiting' GROUP BY +project_id;

-- name: limited_instance
-- The instance, if its workflow or its project limits how many tasks are out. One for each planning.
-- 13 us.
SELECT instance.id
  FROM tasks_app_instance AS instance
  JOIN tasks_app_project AS project ON project.id = instance.project_id
  LEFT JOIN tasks_app_workflow AS workflow ON workflow.id = instance.workflow_id
 WHERE instance.id = :instance_id
   AND (project.max_parallel IS NOT NULL OR workflow.max_running IS NOT NULL);

-- name: recognise_token
-- The token of a secret, with its user, its project and the user's role there. One for each request.
-- 82 us; 1090 with the ORM.
SELECT token.id, token.kind, token.name, token.prefix, token.digest, token.user_id, token.project_id,
       token.role, token.pool, token.created_by, token.created_at, token.expires_at, token.last_used_at,
       token.revoked_at,
       person.id, person.password, person.last_login, person.is_superuser, person.username,
       person.first_name, person.last_name, person.email, person.is_staff, person.is_active,
       person.date_joined,
       project.id, project.slug, project.name, project.max_parallel, project.weight, project.created_at,
       (SELECT membership.role FROM tasks_app_membership AS membership
         WHERE membership.user_id = token.user_id AND membership.project_id = token.project_id) AS member_role,
       strftime('%Y-%m-%d %H:%M:%f', 'now') AS asked_at
  FROM tasks_app_apitoken AS token
  LEFT JOIN auth_user AS person ON person.id = token.user_id
  LEFT JOIN tasks_app_project AS project ON project.id = token.project_id
 WHERE token.digest = :digest AND token.revoked_at IS NULL;

-- name: find_called
-- Up to two tasks that their creators called so, in one project or, from the first to the last, in all. One for
-- each request about a task. The projects come first, few, so that each is looked up in task_id_per_project.
-- 133 us; 1262 with the ORM.
SELECT task.id, task.project_id, task.task_id, task.instance_id, task.parent_id, task.item_index, task.name,
       task.title, task.created_by, task.deployment_mode, task.claude_context, task.position,
       task.description, task.executor, task.spec, task.priority, task.requires, task.requirement,
       task.tags, task.timeout_seconds, task."join", task.join_count, task.allow_failure,
       task.compensates_id, task.stage, task.stage_position, task.meets, task.fan_in, task.fan_out,
       task.rank, task.status, task.reason, task.satisfies, task.gate, task.wait_kind, task.dispatch_id,
       task.worker, task.lease_expires_at, task.wake_at, task.attempts, task.losses, task.failures,
       task.progress, task.progress_message, task.output, task.error_kind, task.error_message, task.settled,
       task.created_at, task.ready_at, task.is_express, task.published_at, task.started_at, task.finished_at,
       project.id, project.slug, project.name, project.max_parallel, project.weight, project.created_at,
       instance.id, instance.public_id, instance.project_id, instance.workflow_id, instance.version_id,
       instance.status, instance.params, instance.task_count, instance.error_message, instance.on_failure,
       instance.max_parallel, instance.deadline_at, instance.paused_until, instance.pause_reason,
       instance.is_stopping, instance.is_to_compensate, instance.origin_id, instance.parent_task_id,
       instance.paused_with_parent, instance.is_awaited, instance.is_pruning, instance.schedule_id,
       instance.created_at, instance.started_at, instance.finished_at,
       workflow.id, workflow.public_id, workflow.project_id, workflow.name, workflow.description,
       workflow.latest, workflow.max_running, workflow.created_at, workflow.updated_at,
       version.id, version.workflow_id, version.number, version.source, version.definition, version.digest,
       version.task_count, version.created_at
  FROM tasks_app_project AS project
 CROSS JOIN tasks_app_task AS task
  JOIN tasks_app_instance AS instance ON instance.id = task.instance_id
  LEFT JOIN tasks_app_workflow AS workflow ON workflow.id = instance.workflow_id
  LEFT JOIN tasks_app_workflowversion AS version ON version.id = instance.version_id
 WHERE project.id BETWEEN :first_project AND :last_project
   AND task.project_id = project.id
   AND task.task_id = :called
 LIMIT 2;

-- name: foremost_offers
-- The first tasks that a project offers to workers over HTTP, with their instances, whether anything limits
-- them, and the most urgent tasks that stand at a gate, which might go before. One for each request for work.
-- 109 us; 8331 with the ORM.
SELECT task.id, task.project_id, task.task_id, task.instance_id, task.parent_id, task.item_index, task.name,
       task.title, task.created_by, task.deployment_mode, task.claude_context, task.position,
       task.description, task.executor, task.spec, task.priority, task.requires, task.requirement,
       task.tags, task.timeout_seconds, task."join", task.join_count, task.allow_failure,
       task.compensates_id, task.stage, task.stage_position, task.meets, task.fan_in, task.fan_out,
       task.rank, task.status, task.reason, task.satisfies, task.gate, task.wait_kind, task.dispatch_id,
       task.worker, task.lease_expires_at, task.wake_at, task.attempts, task.losses, task.failures,
       task.progress, task.progress_message, task.output, task.error_kind, task.error_message, task.settled,
       task.created_at, task.ready_at, task.is_express, task.published_at, task.started_at, task.finished_at,
       instance.id, instance.public_id, instance.project_id, instance.workflow_id, instance.version_id,
       instance.status, instance.params, instance.task_count, instance.error_message, instance.on_failure,
       instance.max_parallel, instance.deadline_at, instance.paused_until, instance.pause_reason,
       instance.is_stopping, instance.is_to_compensate, instance.origin_id, instance.parent_task_id,
       instance.paused_with_parent, instance.is_awaited, instance.is_pruning, instance.schedule_id,
       instance.created_at, instance.started_at, instance.finished_at,
       instance.max_parallel IS NOT NULL OR project.max_parallel IS NOT NULL
         OR workflow.max_running IS NOT NULL AS is_limited,
       (SELECT gated.id FROM tasks_app_task AS gated
         WHERE gated.project_id = :project_id AND gated.status = 'pending'
           AND NOT (gated.gate = '') AND gated.ready_at IS NOT NULL
           AND instr(:judged, '|' || gated.executor || '|') > 0
           AND EXISTS (
               SELECT 1 FROM tasks_app_instance AS own
                WHERE own.id = gated.instance_id
                  AND own.status = CASE WHEN gated.compensates_id IS NULL THEN 'running' ELSE 'compensating' END)
         ORDER BY gated.priority DESC, gated.id LIMIT 1) AS gated_ready,
       (SELECT gated.id FROM tasks_app_task AS gated
         WHERE gated.project_id = :project_id AND gated.status = 'queued'
           AND NOT (gated.gate = '') AND gated.ready_at IS NOT NULL
           AND instr(:judged, '|' || gated.executor || '|') > 0
           AND EXISTS (
               SELECT 1 FROM tasks_app_instance AS own
                WHERE own.id = gated.instance_id
                  AND own.status = CASE WHEN gated.compensates_id IS NULL THEN 'running' ELSE 'compensating' END)
         ORDER BY gated.priority DESC, gated.id LIMIT 1) AS gated_out
  FROM tasks_app_task AS task
  JOIN tasks_app_instance AS instance ON instance.id = task.instance_id
  JOIN tasks_app_project AS project ON project.id = task.project_id
  LEFT JOIN tasks_app_workflow AS workflow ON workflow.id = instance.workflow_id
 WHERE task.project_id = :project_id
   AND task.executor = 'external' AND task.gate = '' AND task.status = 'pending'
   AND task.dispatch_id IS NULL AND task.ready_at IS NOT NULL
   AND instance.status = CASE WHEN task.compensates_id IS NULL THEN 'running' ELSE 'compensating' END
 ORDER BY task.priority DESC, task.id
 LIMIT :most;
