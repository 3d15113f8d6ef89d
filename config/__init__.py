"""Settings, one module per mode, and the values an operator edits."""

import os


def choose_settings() -> str:
    """Select the settings module and return its name.

    ``DJANGO_SETTINGS_MODULE`` wins; otherwise ``CPDS_MODE`` (``standalone``, the
    default, or ``cloud``) names a module of ``config.settings``.
    """
    mode = os.environ.get("CPDS_MODE", "standalone")
    return os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"config.settings.{mode}")
