"""The server as it runs on one's own machine, and what strangers write to its socket."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psutil
import pytest

from tasks_app.models import ExecutionRecord, Project
from tests.api.people import everybody, token_for
from tests.support.loose import an_external, created, loose
from tests.web.conftest import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
STANDALONE = {"DJANGO_SETTINGS_MODULE": "config.settings.standalone", "CPDS_TRUST_LOCAL": "1"}
ME, PROJECTS = "/api/v1/auth/me", "/api/v1/projects"
MEGABYTE = 1024 * 1024
CLIENTS = 50


class Own(Server):
    """The web server of standalone mode, and words with it that are sent as they are."""

    def say(self, *pieces, seconds=30):
        """Send pieces as long as the server takes them; return all that it says until it closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as line:
            try:
                for piece in pieces:
                    line.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass
            answer = b""
            try:
                while more := line.recv(65_536):
                    answer += more
            except ConnectionResetError:
                pass
            return answer

    def request(self, method, path, body=b"", **headers):
        """Return status, headers and body of a whole exchange."""
        given = {"Host": f"127.0.0.1:{self.port}", "Connection": "close", **headers}
        if body:
            given |= {"Content-Type": "application/json", "Content-Length": str(len(body))} | headers
        head = "".join(f"{name}: {text}\r\n" for name, text in given.items())
        return parsed(self.say(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body))

    def post(self, path, body, **headers):
        """POST JSON."""
        return self.request("POST", path, json.dumps(body).encode(), **headers)

    @property
    def memory(self):
        """Return how many bytes the process holds."""
        return psutil.Process(self.pid).memory_info().rss


def parsed(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.1 ") else 0
    return status, head.decode("latin-1").lower(), body


@pytest.fixture
def web(database_url, broker, tmp_path, ended_after_test):
    program = ended_after_test(Own(directory=tmp_path, env=STANDALONE))
    program.start()
    return program


def test_nothing_written_to_the_socket_stops_it(web):
    token = token_for(everybody().user("viewer"), None)
    host = f"Host: 127.0.0.1:{web.port}\r\nConnection: close\r\n".encode()
    good = f"Authorization: Bearer {token}\r\n".encode()
    start = b"GET " + ME.encode() + b" HTTP/1.1\r\n" + host
    post = b"POST " + PROJECTS.encode() + b" HTTP/1.1\r\n" + host + b"Content-Type: application/json\r\n"
    said = {
        "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n",
        "no host": b"GET " + ME.encode() + b" HTTP/1.1\r\nConnection: close\r\n\r\n",
        "two hosts": start + b"Host: evil.example\r\n\r\n",
        "ten megabytes of credentials": start
        + b"Authorization: Bearer "
        + b"x" * 10 * MEGABYTE
        + b"\r\n\r\n",
        "two credentials": start + good + good + b"\r\n",
        "NUL in credentials": start + b"Authorization: Bearer a\x00b\r\n\r\n",
        "a bare return in credentials": start + b"Authorization: Bearer a\rX-Evil: 1\r\n\r\n",
        "a folded header": start + b"Authorization: Bearer a\r\n b\r\n\r\n",
        "a space before the colon": start + b"Authorization : Bearer a\r\n\r\n",
        "a name with an underscore": start + b"X_Forwarded_For: 1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\n\r\n",
        "an address of a megabyte": b"GET /api/v1/" + b"x" * MEGABYTE + b" HTTP/1.1\r\n" + host + b"\r\n",
        "bytes in the address": b"GET /api/v1/\xff\x00\xfe HTTP/1.1\r\n" + host + b"\r\n",
        "a whole address of others": b"GET http://evil.example/api/v1/x HTTP/1.1\r\n" + host + b"\r\n",
        "two lengths": post + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "a length and chunks": post + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{}",
        "a length below zero": post + b"Content-Length: -1\r\n\r\n{}",
        "chunks that are none": post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "an encoding that is none": post + b"Transfer-Encoding: identity, nonsense\r\n\r\n{}",
        "an upgrade": start + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    }

    for what, words in said.items():
        status, head, body = parsed(web.say(words))
        # A server may hang up on what is no HTTP without a word.
        assert status == 0 or status in {200, 400, 401, 404, 413, 414, 422, 426, 431}, (what, status)
        assert status != 200 or what in {"an upgrade", "a folded header"}, (what, body)
        assert "x-evil" not in head
        assert b"Traceback" not in body

    assert web.request("GET", ME)[0] == 200
    assert "Traceback" not in web.log_tail()
    assert token not in web.log_tail()


def test_a_hundred_megabytes_without_a_length_are_not_kept(web):
    web.request("GET", ME)
    before = web.memory
    piece = f"{MEGABYTE:x}\r\n".encode() + b" " * MEGABYTE + b"\r\n"
    head = f"POST {PROJECTS} HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\nTransfer-Encoding: chunked\r\n\r\n"

    status, _, _ = parsed(web.say(head.encode(), *[piece] * 100, b"0\r\n\r\n"))

    assert status in {0, 413}
    assert web.memory - before < 80 * MEGABYTE
    assert web.request("GET", ME)[0] == 200


def test_who_is_slow_holds_nobody_up(web):
    slow = []
    try:
        for _ in range(30):
            line = socket.create_connection(("127.0.0.1", web.port))
            line.sendall(
                f"POST {PROJECTS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{{".encode()
            )
            slow.append(line)

        assert web.request("GET", ME)[0] == 200
    finally:
        for line in slow:
            line.close()


class TestOtherSites:
    def test_a_name_that_was_made_to_point_here_gets_nothing(self, web):
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "169.254.169.254"):
            assert web.request("GET", ME, Host=host)[0] in {400, 401}
            assert web.post(PROJECTS, {"slug": "x", "name": "X"}, Host=host)[0] in {400, 401}

    def test_their_pages_change_nothing(self, web):
        garden = {"slug": "garden", "name": "Garden"}
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": f"http://127.0.0.1:{web.port}.evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"X-Forwarded-For": "127.0.0.1"},
            {"X-Forwarded-Host": f"127.0.0.1:{web.port}"},
        ):
            assert web.post(PROJECTS, garden, **headers)[0] == 401, headers
            assert web.post(PROJECTS, garden, **headers, **{"Content-Type": "text/plain"})[0] in {401, 415}

        assert not Project.objects.filter(slug="garden").exists()
        _, head, _ = web.request("OPTIONS", PROJECTS, Origin="https://evil.example")
        assert "access-control-allow-origin" not in head
        assert web.post(PROJECTS, garden, Origin=f"http://127.0.0.1:{web.port}")[0] == 201

    def test_a_forwarded_host_stands_in_no_address(self, web):
        _, head, body = web.request("GET", "/", **{"X-Forwarded-Host": "evil.example"})
        assert "evil" not in head + body.decode()


def all_at_once(ask, count=CLIENTS):
    together = Barrier(count)

    def asked(place):
        together.wait(timeout=60)
        return ask(place)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(asked, range(count)))


def test_fifty_clients_assign_one_task_and_one_wins(web):
    for number in range(CLIENTS):
        body = {"worker_id": f"W-{number}", "worker_name": f"w{number}"}
        assert web.post("/api/workers/register", body)[0] in {200, 201}
    created(an_external("wanted"))
    task = loose("wanted").task_id

    told = all_at_once(
        lambda place: web.post("/api/tasks/assign", {"task_id": task, "worker_id": f"W-{place}"})[0]
    )

    assert set(told) == {200, 404}
    assert told.count(200) == 1
    assert ExecutionRecord.objects.filter(task__task_id=task).count() == 1


def test_fifty_posts_with_one_key_make_one_project(web):
    body = {"slug": "garden", "name": "Garden"}

    told = all_at_once(lambda _: web.post(PROJECTS, body, **{"Idempotency-Key": "k"}))

    assert {status for status, _, _ in told} == {201}
    assert len({answer for _, _, answer in told}) == 1
    assert Project.objects.filter(slug="garden").count() == 1
