"""Makes the command of this room known to Django."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The web server's command; it has no tables."""

    name = "cpds.web"
    label = "cpds_web"
