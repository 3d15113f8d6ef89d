"""A web server of this checkout on a free port, as it is started in production."""

import socket
import urllib.error
import urllib.request

import pytest

from tests.support.processes import PythonProgram


class Server(PythonProgram):
    """``manage.py server start``; ready when it answers."""

    def __init__(self, *, directory, env=None, arguments=(), name="web"):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        super().__init__(
            name=name,
            directory=directory,
            arguments=["manage.py", "server", "start", "--port", str(self.port), *arguments],
            env=env,
        )

    def ask(self, path, *, data=None, **headers):
        """Return status and text of an answer; a redirect is not followed."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers)
        opener = urllib.request.build_opener(_NoRedirects)
        try:
            with opener.open(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def is_ready(self):
        try:
            return self.ask("/livez")[0] == 200
        except OSError:
            return False


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args):
        return None


@pytest.fixture
def server(tmp_path, ended_after_test):
    def start(**options):
        program = ended_after_test(Server(directory=tmp_path, **options))
        program.start()
        return program

    return start
