"""Every address the web server answers."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from cpds.api.pages import NothingHere
from cpds.host.health.urls import urlpatterns as health
from tasks_app.api import converters

converters.register()

# There is no site beside the admin that its pages could lead to.
admin.site.site_url = None

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    *health,
    # The fleet's first: in /api/tasks any word that is none of its own is the id of a task.
    path("", include("workers_app.api.urls")),
    path("", include("tasks_app.api.urls")),
    path("api/schema", SpectacularJSONAPIView.as_view(schema=None), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    re_path(r"^api(?:/.*)?$", NothingHere.as_view()),
]

handler400 = "cpds.api.pages.bad_request"
handler403 = "cpds.api.pages.permission_denied"
handler404 = "cpds.api.pages.page_not_found"
handler500 = "cpds.api.pages.server_error"
