"""``webhook``: POST each event as JSON, signed.

The signature is HMAC-SHA256 over the timestamp, a full stop and the body, with a
secret that both sides know. Whoever checks it, and that the timestamp is recent,
knows that the message is CPDS's, unchanged, and no recording.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

from cpds.base import clock
from cpds.base.conf import conf
from workers_app.errors import DeliveryFailed
from workers_app.listeners.contract import Heard

TIMESTAMP_HEADER: Final = "X-CPDS-Timestamp"
SIGNATURE_HEADER: Final = "X-CPDS-Signature"
DELIVERY_HEADER: Final = "X-CPDS-Delivery"
EVENT_HEADER: Final = "X-CPDS-Event"
DEFAULT_EVENTS: Final = ("workflow.completed", "workflow.failed", "workflow.terminated")
SHORTEST_SECRET: Final = 16


def sign(*, secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of the signature's header."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


class Webhook:
    """Posts to one URL: a public address, or one that ``allowed_hosts`` names, here or in the settings.

    :param secret: what signs; or ``secret_env``, the environment variable that holds it (with ``_FILE``
        appended: that names a file with it).
    :param timeout_seconds: for all of one request.
    :raises ValueError: in a sentence that repeats no option.
    """

    def __init__(
        self,
        *,
        url: str,
        secret: str = "",
        secret_env: str = "",
        timeout_seconds: float = 10.0,
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self.name = "webhook"
        self.events = DEFAULT_EVENTS
        self._secret = secret or (_from_environment(secret_env) if secret_env else "")
        if len(self._secret) < SHORTEST_SECRET:
            raise ValueError(
                f"expected a secret of {SHORTEST_SECRET} characters or more, as the option secret or in the "
                "environment variable that secret_env names"
            )
        if isinstance(timeout_seconds, bool) or not 0 < timeout_seconds <= 60:
            raise ValueError("expected timeout_seconds from 0 to 60")
        if isinstance(allowed_hosts, str):
            raise ValueError("expected allowed_hosts to be a list")  # noqa: TRY004 - one kind for all options
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise ValueError("expected url to start with https:// or http://")
        self._url = url
        self._seconds = float(timeout_seconds)
        self._allowed_hosts = tuple(allowed_hosts)
        # A path may be as good as a password; errors name the host only.
        self.secrets = (self._secret, url)

    def deliver(self, event: Heard) -> None:
        """POST the event; any answer of the 2xx kind means that it was heard.

        :raises DeliveryFailed: for any other, for none, and for an address that is refused.
        """
        # The HTTP library loads with the first delivery: settings are read by every command.
        from workers_app.listeners.posting import post

        body = json.dumps(event.as_json(), ensure_ascii=False, separators=(",", ":"), default=str).encode()
        timestamp = str(int(clock.now().timestamp()))
        answer = post(
            url=self._url,
            headers=(
                ("content-type", "application/json"),
                ("user-agent", "CPDS-Webhook"),
                (TIMESTAMP_HEADER, timestamp),
                (SIGNATURE_HEADER, sign(secret=self._secret, timestamp=timestamp, body=body)),
                (DELIVERY_HEADER, event.delivery_id),
                (EVENT_HEADER, event.event),
            ),
            body=body,
            seconds=self._seconds,
            allowed_hosts=(*conf().allowed_hosts, *self._allowed_hosts),
        )
        if not 200 <= answer.status < 300:
            raise DeliveryFailed(
                why=f"{answer.host} answered {answer.status}", retry_after_seconds=answer.retry_after_seconds
            )


def _from_environment(name: str) -> str:
    file = os.environ.get(f"{name}_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError:
            raise ValueError("the file with the secret cannot be read") from None
    return os.environ.get(name, "")
