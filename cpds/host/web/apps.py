"""Makes the rooms of the web server known to Django: its command, and who comes into the admin."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class WebConfig(AppConfig):
    """The web server's command; it has no tables."""

    name = "cpds.host.web"
    label = "cpds_web"
    default = True


class OperatorsAdminConfig(admin.AdminConfig):
    """Django's admin, for those who may look into every project."""

    default_site = "cpds.host.web.admin_site.OperatorsAdmin"
    default = False
