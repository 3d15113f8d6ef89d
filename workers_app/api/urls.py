"""The addresses of the fleet's doors."""

from django.urls import URLPattern, URLResolver, path

from workers_app.api import classic

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/workers/register", classic.RegisterWorker.as_view()),
    path("api/workers/heartbeat", classic.WorkerHeartbeat.as_view()),
    path("api/workers", classic.ClassicWorkers.as_view()),
    path("api/tasks/pending", classic.PendingTasks.as_view()),
    path("api/tasks/assign", classic.AssignTask.as_view()),
    path("api/tasks/progress", classic.ReportProgress.as_view()),
    path("api/tasks/complete", classic.CompleteTask.as_view()),
    path("api/status", classic.Status.as_view()),
]
