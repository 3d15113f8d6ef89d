"""How much of this machine is in use."""

from dataclasses import dataclass

import psutil

from cpds.base.conf import conf


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Percentages, None where the system does not tell."""

    cpu_percent: float | None
    memory_percent: float | None
    disk_percent: float | None
    """Of the file system that holds the state directory."""


def read_resources() -> Resources:
    """Return what is in use now; of the processors, since the last call."""
    return Resources(
        cpu_percent=psutil.cpu_percent(interval=None),
        memory_percent=psutil.virtual_memory().percent,
        disk_percent=_disk_percent(),
    )


def _disk_percent() -> float | None:
    directory = conf().state_path.absolute()
    while not directory.exists():
        directory = directory.parent
    try:
        return float(psutil.disk_usage(str(directory)).percent)
    except OSError:
        return None
