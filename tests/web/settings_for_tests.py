"""The suite's settings with addresses of its own."""

from config.settings.test import *  # noqa: F403

ROOT_URLCONF = "tests.web.views_for_tests"
