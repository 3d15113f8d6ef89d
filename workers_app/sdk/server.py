"""The server, as a worker sees it: its addresses under ``/api/v1/workers``."""

import math
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

import httpx2

from tasks_app.outcomes import JSON, Completed, Failed, Interrupted, Outcome, Report
from workers_app.sdk.errors import Refused, Unreachable
from workers_app.sdk.texts import failure_kind, failure_message

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
WORKERS: Final = "/api/v1/workers"
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Server:
    """Speaks the workers' protocol; its methods may be called from any thread.

    :raises Unreachable: (every method) when there is no answer, or none now.
    :raises Refused: (every method) when the server says no.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        project: str | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"expected the address of a server, such as http://localhost:8848: {base_url!r}")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if project:
            headers["X-CPDS-Project"] = project
        self._client = httpx2.Client(
            base_url=base_url.rstrip("/"),
            headers=headers,
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            transport=transport,
            # A proxy of the environment leads away from this machine.
            trust_env=parts.hostname not in _LOOPBACK,
        )

    def register(self, facts: Mapping[str, JSON]) -> dict[str, JSON]:
        """Make this worker known; return its ``id`` and the spans the server keeps."""
        return self._post(f"{WORKERS}/register", facts)

    def beat(self, worker: str, *, claims: Sequence[str], facts: Mapping[str, JSON]) -> dict[str, JSON]:
        """Say that the worker lives and what it holds; return what it still does (``claims``, ``stop``)."""
        return self._post(f"{WORKERS}/{quote(worker)}/heartbeat", {"claims": list(claims), **facts})

    def claim(
        self, worker: str, *, limit: int, wait_seconds: float, kinds: Sequence[str] | None
    ) -> dict[str, JSON]:
        """Take up to ``limit`` tasks; wait so long until there is one."""
        body: dict[str, JSON] = {"limit": limit, "wait": wait_seconds}
        if kinds is not None:
            body["kinds"] = list(kinds)
        return self._post(f"{WORKERS}/{quote(worker)}/claims", body, patience=wait_seconds + ANSWER_SECONDS)

    def progress(self, worker: str, claim: str, *, fraction: float, message: str) -> None:
        """Say how far a task is."""
        self._about(worker, claim, "progress", {"progress": fraction, "message": message})

    def log(self, worker: str, claim: str, lines: Sequence[str]) -> None:
        """Add lines to a task's log."""
        self._about(worker, claim, "logs", {"lines": list(lines)})

    def complete(self, worker: str, claim: str, *, output: JSON, report: Mapping[str, JSON]) -> None:
        """Complete a task."""
        self._about(worker, claim, "complete", {"output": output, "report": dict(report)})

    def report(self, worker: str, claim: str, outcome: Outcome) -> None:
        """Report how an attempt went; one that was interrupted is handed back.

        :raises TypeError: when the outcome holds what is no JSON.
        :raises ValueError: the same.
        """
        match outcome:
            case Completed():
                self.complete(worker, claim, output=outcome.output, report=_used(outcome.report))
            case Failed():
                self._about(worker, claim, "fail", _failure(outcome))
            case Interrupted():
                self.release(worker, claim, reason=outcome.reason)

    def release(self, worker: str, claim: str, *, reason: str) -> None:
        """Hand a task back undone."""
        self._about(worker, claim, "release", {"reason": reason})

    def leave(self, worker: str) -> None:
        """Say goodbye; what the worker still holds is handed back."""
        self._post(f"{WORKERS}/{quote(worker)}/leave", {})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _about(self, worker: str, claim: str, act: str, body: Mapping[str, JSON]) -> None:
        self._post(f"{WORKERS}/{quote(worker)}/claims/{quote(claim)}/{act}", body)

    def _post(
        self, path: str, body: Mapping[str, JSON], *, patience: float = ANSWER_SECONDS
    ) -> dict[str, JSON]:
        timeout = httpx2.Timeout(patience, connect=CONNECT_SECONDS)
        try:
            answer = self._client.post(path, json=body, timeout=timeout)
        except httpx2.HTTPError as error:
            raise Unreachable(f"{type(error).__name__}: {error}".rstrip(": ")) from error
        told = _told(answer)
        if answer.is_success:
            data = told.get("data")
            return data if isinstance(data, dict) else {}
        message = str(told.get("message") or f"the server answered {answer.status_code}")
        if answer.status_code in _LATER:
            raise Unreachable(message, retry_after_seconds=_seconds(answer.headers.get("Retry-After")))
        raise Refused(message, status=answer.status_code, code=_code(told))


def _failure(failed: Failed) -> dict[str, JSON]:
    return {
        "kind": failure_kind(failed.kind),
        "message": failure_message(failed.message),
        "retryable": failed.retryable,
        "detail": failed.detail,
        "report": _used(failed.report),
    }


def _used(report: Report) -> dict[str, JSON]:
    """Return what a report says, without what it leaves open."""
    return {name: value for name, value in vars(report).items() if value}


def _told(answer: httpx2.Response) -> dict[str, JSON]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _code(told: Mapping[str, JSON]) -> str:
    match told.get("errors"):
        case [{"code": str() as code}, *_]:
            return code
    return "refused"


def _seconds(header: str | None) -> float | None:
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return min(seconds, 300.0) if math.isfinite(seconds) and seconds >= 0 else None
