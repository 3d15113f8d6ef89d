"""Join the fleet: a worker registers before it takes anything, however long that takes."""

import logging
import time
from collections.abc import Callable
from typing import Final

from django.db import Error as DatabaseError
from django.db import connections

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 10.0

logger = logging.getLogger(__name__)


def insist(*, act: Callable[[], None], worker: str, rest: Callable[[float], None] = time.sleep) -> None:
    """Do ``act`` until the database lets it be done; each failure is a line in the log.

    Any other error rises. The pause doubles from half a second to ten seconds.
    """
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            act()
        except DatabaseError as error:
            connections.close_all()
            logger.warning(
                "worker_not_registered worker=%s error=%s why=%r again_in_seconds=%.1f",
                worker,
                type(error).__name__,
                _line(error),
                pause,
            )
            rest(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        else:
            return


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
