"""The addresses of the record's doors."""

from django.urls import URLPattern, URLResolver, path

from tasks_app.api import audit, auth, classic_tasks, converters, projects, tokens

converters.register()

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/auth/token", auth.LogIn.as_view()),
    path("api/v1/auth/refresh", auth.Refresh.as_view()),
    path("api/v1/auth/logout", auth.LogOut.as_view()),
    path("api/v1/auth/me", auth.Me.as_view()),
    path("api/v1/projects", projects.Projects.as_view()),
    path("api/v1/projects/<slug:slug>", projects.OneProject.as_view()),
    path("api/v1/projects/<slug:slug>/members", projects.Members.as_view()),
    path("api/v1/projects/<slug:slug>/members/<ref:username>", projects.OneMember.as_view()),
    path("api/v1/audit", audit.Audit.as_view()),
    path("api/v1/audit/export", audit.AuditFile.as_view()),
    path("api/v1/tokens", tokens.Tokens.as_view()),
    path("api/v1/tokens/<key:token>", tokens.OneToken.as_view()),
    path("api/tasks/create", classic_tasks.CreateTask.as_view()),
    path("api/tasks/running", classic_tasks.RunningTasks.as_view()),
    path("api/tasks/completed", classic_tasks.CompletedTasks.as_view()),
    # After those of the fleet: any other word is the id of a task.
    path("api/tasks/<ref:task_id>", classic_tasks.OneClassicTask.as_view()),
]
