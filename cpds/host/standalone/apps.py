"""Standalone mode as a Django app, so that its command is found."""

from django.apps import AppConfig


class StandaloneConfig(AppConfig):
    """The supervisor."""

    name = "cpds.host.standalone"
    label = "standalone"
