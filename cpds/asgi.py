"""The web server's entry point: the application that ``manage.py server start`` serves."""

import django

from config import choose_settings

choose_settings()
django.setup(set_prefix=False)

from cpds.base.conf import conf  # noqa: E402 - the settings must have been chosen
from cpds.host.web.bridge import Bridge  # noqa: E402

application = Bridge(
    threads=conf().web_threads,
    long_polls=conf().long_polls,
    body_bytes=conf().body_bytes,
    access_log=conf().access_log,
)
