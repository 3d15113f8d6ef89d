"""Every address the web server answers."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from cpds.health.urls import urlpatterns as health

# There is no site beside the admin that its pages could lead to.
admin.site.site_url = None

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    *health,
]
