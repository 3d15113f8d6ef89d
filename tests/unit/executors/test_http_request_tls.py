"""HTTPS to a server on 127.0.0.1 that a test's own authority vouches for."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from tasks_app.outcomes import Completed, Interrupted
from tests.support.waiting import wait_until
from tests.unit.executors.builders import a_call
from tests.unit.executors.http_server import reply
from workers_app.executors.cancellation import Cancellation
from workers_app.executors.http.executor import HttpRequest

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no openssl to make a certificate with"
)

HOST = "tls.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for HOST alone, with its key."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"),
            *("-keyout", "key.pem", "-out", "cert.pem"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


class TLSServer:
    def __init__(self, certificate):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
        self.context.sni_callback = lambda _sock, name, _context: self.names.append(name)
        self.names = []
        self.accepted = 0
        self.answer = reply(body=b"secured")
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.accepted += 1
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            if self.answer is None:
                self.stopping.wait(20)
                return
            with self.context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(65536)
                secured.sendall(self.answer)

    def close(self):
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


@pytest.fixture
def server(certificate):
    with contextlib.closing(TLSServer(certificate)) as server:
        yield server


@pytest.fixture
def send(server, certificate, tmp_path):
    def send(host=HOST, trusting=True, **arguments):
        context = ssl.create_default_context(cafile=certificate / "cert.pem") if trusting else None
        executor = HttpRequest(
            allowed_hosts=lambda: [host], resolver=lambda _host, _port: ["127.0.0.1"], ssl_context=context
        )
        cancellation = arguments.pop("cancellation", None)
        url = f"https://{host}:{server.port}/"
        return executor.execute(a_call(tmp_path, url=url, cancellation=cancellation, **arguments))

    return send


def test_the_host_is_named_and_verified_though_an_address_is_connected_to(server, send):
    outcome = send()

    assert isinstance(outcome, Completed)
    assert outcome.output["text"] == "secured"
    assert server.names == [HOST]


@pytest.mark.parametrize(("host", "trusting"), [(HOST, False), ("other.example", True)])
def test_a_certificate_that_does_not_vouch_for_the_host_is_refused(send, host, trusting):
    outcome = send(host=host, trusting=trusting)

    assert (outcome.kind, outcome.detail) == ("connection", {"error": "SSLCertVerificationError"})


def test_a_large_answer_arrives_whole(server, send):
    server.answer = reply(body=b"x" * 3_000_000)

    assert len(send().output["text"]) == 3_000_000


def test_a_redirect_out_of_https_is_refused(server, send):
    server.answer = reply(302, Location=f"http://{HOST}:{server.port}/")

    outcome = send()

    assert (outcome.kind, outcome.retryable) == ("refused_address", False)
    assert server.accepted == 1


def test_a_handshake_that_never_ends_stops_at_the_deadline(server, send):
    server.answer = None

    assert send(timeout=0.3).kind == "timeout"


def test_a_handshake_that_never_ends_stops_at_cancel(server, send):
    server.answer = None
    cancellation = Cancellation()
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(send(cancellation=cancellation)))
    thread.start()
    wait_until(lambda: server.accepted)

    asked = time.monotonic()
    cancellation.request("shutdown")
    thread.join(5)

    assert outcomes == [Interrupted(reason="shutdown")]
    assert time.monotonic() - asked < 5
