"""The addresses of the health checks."""

from django.urls import path

from cpds.host.health import views
from cpds.host.health.detailed import Detailed

urlpatterns = [
    path("livez", views.livez),
    path("readyz", views.readyz),
    path("health", views.health),
    path("api/health", views.mode),
    path("api/v1/health", views.health_v1),
    path("api/v1/health/database", views.database),
    path("api/v1/health/redis", views.redis),
    path("api/v1/health/detailed", Detailed.as_view()),
]
