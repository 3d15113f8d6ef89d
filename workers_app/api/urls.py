"""The addresses of the fleet's endpoints."""

from django.urls import URLPattern, URLResolver, path

from workers_app.api import autoscale, claims, workers
from workers_app.api.compat.cpds import views

WORKERS = "api/v1/workers"
ONE = f"{WORKERS}/<ref:worker>"
CLAIM = f"{ONE}/claims/<ref:claim>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/autoscale", autoscale.Autoscale.as_view()),
    path(WORKERS, workers.Workers.as_view()),
    path(f"{WORKERS}/register", workers.Register.as_view()),
    path(ONE, workers.OneWorker.as_view()),
    path(f"{ONE}/heartbeat", workers.Heartbeat.as_view()),
    path(f"{ONE}/leave", workers.Leave.as_view()),
    path(f"{ONE}/claims", claims.Claims.as_view()),
    path(f"{CLAIM}/progress", claims.Progress.as_view()),
    path(f"{CLAIM}/logs", claims.Logs.as_view()),
    path(f"{CLAIM}/complete", claims.Complete.as_view()),
    path(f"{CLAIM}/fail", claims.Fail.as_view()),
    path(f"{CLAIM}/release", claims.Release.as_view()),
    path("api/workers/register", views.RegisterWorker.as_view()),
    path("api/workers/heartbeat", views.WorkerHeartbeat.as_view()),
    path("api/workers", views.CompatWorkers.as_view()),
    path("api/tasks/pending", views.PendingTasks.as_view()),
    path("api/tasks/assign", views.AssignTask.as_view()),
    path("api/tasks/progress", views.ReportProgress.as_view()),
    path("api/tasks/complete", views.CompleteTask.as_view()),
    path("api/status", views.Status.as_view()),
]
