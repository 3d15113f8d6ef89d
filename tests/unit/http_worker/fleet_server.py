"""A server of the workers' protocol that does as each test says, over real HTTP on this machine."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DISPATCH = "d" * 24


@dataclass
class FleetServer:
    """``tasks`` are given out once each; ``said`` keeps every word about a claim: act, task and body.

    ``is_away``: everything is answered 503. ``refusal``: what registering is refused with.
    ``lost``: tasks whose claims are gone. ``forgets``: how many questions know the worker no more.
    ``goodbye_patience``: for how many seconds a heartbeat's answer waits for a goodbye to overtake it.
    ``heard``: how many heartbeats came. ``presence``: these and the goodbye, in the order of the answers.
    """

    url: str = ""
    tasks: list[dict[str, Any]] = field(default_factory=list)
    said: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)
    registered: list[dict[str, Any]] = field(default_factory=list)
    lease_seconds: float = 30.0
    is_away: bool = False
    refusal: int = 0
    lost: set[int] = field(default_factory=set)
    forgets: int = 0
    goodbye_patience: float = 0.0
    goodbye: threading.Event = field(default_factory=threading.Event)
    heard: int = 0
    presence: list[str] = field(default_factory=list)

    def give(
        self,
        task_id: int = 1,
        *,
        kind: str = "external",
        timeout_seconds: float | None = None,
        **arguments: Any,
    ) -> None:
        """Have a task ready."""
        self.tasks.append(
            {"id": task_id, "kind": kind, "timeout_seconds": timeout_seconds, "arguments": arguments}
        )

    def acts(self, task_id: int = 1) -> list[str]:
        """Return what was said about a task."""
        return [act for act, task, _ in self.said if task == task_id]

    def told(self, act: str) -> dict[str, Any]:
        """Return the body of the only word of this kind."""
        [body] = [body for each, _, body in self.said if each == act]
        return body

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Return status and data."""
        if self.is_away:
            return 503, None
        match path.strip("/").split("/")[3:]:
            case ["register"]:
                if self.refusal:
                    return self.refusal, None
                self.registered.append(body)
                return 201, {"id": "W-1"}
            case [_, "heartbeat"]:
                self.heard += 1
                self.goodbye.wait(self.goodbye_patience)
                self.presence.append("heartbeat")
                gone = [token for token in body["claims"] if _task(token) in self.lost]
                return 200, {
                    "lease_seconds": self.lease_seconds,
                    "drain": False,
                    "claims": [{"token": token} for token in body["claims"] if token not in gone],
                    "stop": [{"token": token, "why": "lost"} for token in gone],
                }
            case [_, "claims"]:
                if self.forgets:
                    self.forgets -= 1
                    return 404, None
                given = [self.tasks.pop(0) for _ in range(min(body["limit"], len(self.tasks)))]
                return 200, {"claims": [self._claim(each) for each in given], "waited_seconds": 0}
            case [_, "claims", token, act]:
                if _task(token) in self.lost:
                    return 409, None
                self.said.append((act, _task(token), body))
                return 204, None
            case [_, "leave"]:
                self.presence.append("goodbye")
                self.goodbye.set()
                return 204, None
        return 404, None

    def _claim(self, task: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "token": f"{task['id']}.{DISPATCH}",
            "kind": task["kind"],
            "task": {"id": task["id"], "name": f"task-{task['id']}", "title": "", "description": ""},
            "arguments": task["arguments"],
            "attempt": 1,
            "idempotency_key": "key",
            "lease_seconds": self.lease_seconds,
            "timeout_seconds": task["timeout_seconds"],
        }


def _task(token: str) -> int:
    return int(token.partition(".")[0])


@contextlib.contextmanager
def serving() -> Iterator[FleetServer]:
    """Serve on a free port of the loopback for as long as the block runs."""
    fleet = FleetServer()

    class Endpoint(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, data = fleet.answer(self.path, body)
            told = b"" if status == 204 else json.dumps({"message": "so it is", "data": data}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.daemon_threads = True
    fleet.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fleet
    finally:
        server.shutdown()
        server.server_close()
