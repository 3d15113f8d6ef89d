"""The web server and workers over HTTP as a user starts them, under the tests' control."""

import socket
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.processes import PythonProgram
from workers_app.models import Worker


class WebProcess(PythonProgram):
    """The web server, as standalone runs it, on a free port."""

    start_seconds = 60.0

    def __init__(self, *, directory: Path, env: Mapping[str, object]) -> None:
        port = a_free_port()
        self.url = f"http://127.0.0.1:{port}"
        arguments = ["-m", "uvicorn", "cpds.asgi:application", "--port", str(port), "--no-access-log"]
        super().__init__(name="web", directory=directory, arguments=arguments, env=env)

    def is_ready(self) -> bool:
        """Return whether it answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/livez", timeout=2):
                return True
        except OSError:
            return False


class SdkProcess(PythonProgram):
    """``python -m workers_app.sdk``; ready when the fleet knows it."""

    start_seconds = 60.0

    def __init__(
        self,
        *,
        directory: Path,
        url: str,
        name: str,
        options: Sequence[str],
        heartbeat_seconds: float = 0.4,
        env: Mapping[str, object] | None = None,
    ) -> None:
        arguments = ["-m", "workers_app.sdk", "--server", url, "--name", name]
        super().__init__(
            name=name,
            directory=directory,
            arguments=[*arguments, "--heartbeat", f"{heartbeat_seconds:g}", *options],
            env=env,
        )

    def is_ready(self) -> bool:
        """Return whether the fleet knows it."""
        return Worker.objects.filter(name=self.name).exists()


def a_free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
