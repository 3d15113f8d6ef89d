"""Between a wait that is recorded in this process and the thread that wakes what is due."""

import threading

_set = threading.Event()


def set_alarm() -> None:
    """Have the thread that rests look again when to wake; without one it costs nothing."""
    _set.set()


def rest(seconds: float) -> None:
    """Return after so many seconds, or sooner when an alarm was set."""
    _set.wait(seconds)
    _set.clear()
