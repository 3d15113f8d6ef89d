"""Standalone's settings with the address of a view that does nothing."""

from config.settings.standalone import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.http.urls"
