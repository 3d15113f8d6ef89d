"""How a chore is run: one that fails is logged, and the others run all the same."""

import logging
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, OperationalError

from cpds.base import db

logger = logging.getLogger(__name__)


def run_chore(*, name: str, chore: Callable[[], int]) -> int:
    """Run a chore and return how much it did; nothing, if it failed.

    :raises OperationalError: when the database is away or refuses to go on, as the next chore would find.
    :raises InterfaceError: when the connection is broken.
    """
    try:
        return chore()
    except (OperationalError, InterfaceError):
        raise
    except DatabaseError:
        if db.in_transaction():
            raise
        logger.exception("chore_failed chore=%s", name)
    except Exception:
        logger.exception("chore_failed chore=%s", name)
    return 0
