"""What clients of ``/api`` without a version do and get."""

TASK_KEYS = {
    *("task_id", "title", "description", "priority", "status", "assigned_to", "progress", "result", "output"),
    *("error", "dependencies", "tags", "deployment_mode", "created_by", "claude_context"),
    *("created_at", "updated_at", "started_at", "completed_at"),
}


def registered(curl, worker_id="WORKER-1", **more):
    body = {"worker_id": worker_id, "worker_name": "one", "platform": "linux", **more}
    assert curl.post("/api/workers/register", body).status_code == 200
    return worker_id


def created(curl, task_id="TASK-001", **more):
    answer = curl.post("/api/tasks/create", {"task_id": task_id, "title": "One", **more})
    assert answer.status_code == 200, answer.body
    return task_id


def ids(answer):
    return [task["task_id"] for task in answer.body["data"]["tasks"]]
