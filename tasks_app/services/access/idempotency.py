"""The first answer to a request, kept for when the same request comes again.

The key is written in the transaction that makes the object. A second request with the
key waits for it at the unique constraint, and then finds the answer, or, when the first
came to nothing, does the work itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cpds.base import clock, db
from tasks_app.errors import KeyReused
from tasks_app.models import IdempotencyKey

KEPT_HOURS: Final = 24


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was answered: status, the address of what was made, the body as it was sent."""

    status: int
    location: str
    body: str


def answer_once(
    *, scope: str, act: str, key: str, digest: str, perform: Callable[[], Answer]
) -> tuple[Answer, bool]:
    """Return the answer to a request, and whether it is one that was given before.

    ``scope`` is whose key it is, ``act`` the method and the path, ``digest`` stands for
    all that was asked. ``perform`` does the work inside the transaction that keeps the
    answer; what it raises is not kept.

    :raises KeyReused: when the key was used for something else.
    """
    now = clock.now()
    with db.transaction():
        mine = IdempotencyKey.objects.filter(scope=scope, act=act, key=key)
        mine.filter(expires_at__lt=now).delete()
        row = IdempotencyKey(
            scope=scope,
            act=act,
            key=key,
            digest=digest,
            expires_at=now + timedelta(hours=KEPT_HOURS),
        )
        # Waits here while another transaction has just written the same key.
        IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)
        kept = db.locking(mine).get()
        if kept.digest != digest:
            raise KeyReused(key=key)
        if kept.http_status is not None:
            return Answer(status=kept.http_status, location=kept.location, body=kept.answer), True
        answer = perform()
        mine.update(http_status=answer.status, location=answer.location, answer=answer.body)
    return answer, False
