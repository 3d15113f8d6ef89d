"""The web server as a program: what it serves, what it believes, how it stops."""

import json
import socket

import pytest

from tests.support.waiting import wait_until

pytestmark = pytest.mark.any_database

OWN = {"DJANGO_SETTINGS_MODULE": "tests.web.settings_for_tests"}


def test_it_stops_at_once_with_exit_code_0(server):
    web = server()

    web.stop()

    assert web.exit_code == 0


def test_an_open_stream_does_not_keep_it_from_stopping(server):
    web = server(env=OWN, arguments=["--grace", "1"])
    with socket.create_connection(("127.0.0.1", web.port)) as listener:
        listener.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while b"data: 2" not in received:
            received += listener.recv(4096)

        web.stop()

    assert web.exit_code == 0


def test_a_request_that_hangs_does_not_keep_it_from_stopping(server):
    web = server(env=OWN, arguments=["--grace", "1"])
    with socket.create_connection(("127.0.0.1", web.port)) as hanging:
        hanging.sendall(b"GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n")
        web.ask("/livez")

        web.stop()

    assert web.exit_code == 0


def test_it_is_alive_while_every_thread_hangs(server):
    web = server(env={**OWN, "CPDS_WEB_THREADS": "1"}, arguments=["--grace", "0"])
    with socket.create_connection(("127.0.0.1", web.port)) as hanging:
        hanging.sendall(b"GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n")

        assert [web.ask("/livez")[0] for _ in range(3)] == [200] * 3


def test_bodies_cookies_and_pieces_arrive_whole(server):
    web = server(env=OWN)
    body = bytes(range(128)) * 1000

    assert web.ask("/echo", data=body, **{"X-CSRFToken": ""})[0] == 403
    assert web.ask("/pieces") == (200, "one two")
    with socket.create_connection(("127.0.0.1", web.port)) as client:
        client.sendall(b"GET /who?a=b%20c HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while more := client.recv(4096):
            answer += more
    assert answer.lower().count(b"set-cookie:") == 2
    assert answer.endswith(b"127.0.0.1 http a=b%20c")


def test_a_body_that_is_announced_too_large_is_refused_unread(server):
    web = server()

    with socket.create_connection(("127.0.0.1", web.port)) as client:
        client.sendall(b"POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")

        assert client.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_body_in_chunks_that_is_too_large_is_refused_in_the_same_words(server):
    web = server()
    piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    answer = b""

    with socket.create_connection(("127.0.0.1", web.port)) as client:
        client.sendall(
            b"POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(16):
            client.sendall(piece)
        client.sendall(b"1\r\n \r\n")  # a byte too many, and no end: who waits for that never answers
        while more := client.recv(4096):
            answer += more

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["code"] == 413
    assert json.loads(body)["errors"][0]["code"] == "body_too_large"


def test_a_strangers_word_for_its_address_is_not_taken(server):
    web = server(env=OWN)

    assert web.ask("/who", **{"X-Forwarded-For": "203.0.113.9"})[1] == "127.0.0.1 http "


def test_a_trusted_proxys_word_is(server):
    web = server(env={**OWN, "CPDS_TRUSTED_PROXIES": "127.0.0.0/8"})
    told = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "https"}

    assert web.ask("/who", **told)[1] == "203.0.113.9 https "


def test_the_access_log_leaves_out_probes_and_queries(server):
    web = server(env={**OWN, "CPDS_ACCESS_LOG": "1"})

    web.ask("/who?token=hidden")

    wait_until(lambda: "path='/who' status=200" in web.log_tail(), message="the line of the access log")
    assert "hidden" not in web.log_tail()
    assert "livez" not in web.log_tail()


def test_it_says_what_of_a_file_is_set_elsewhere(server, tmp_path):
    file = tmp_path / "server.yaml"
    file.write_text(
        "server: {host: 127.0.0.1, port: 1, read_timeout: 30s}\nexecution: {}\n", encoding="utf-8"
    )

    web = server(arguments=["--config", str(file)])

    assert "execution: celery -A cpds worker" in web.log_tail()


@pytest.mark.parametrize("text", ["server: [", "server: 3", "server: {port: x}", "server: {host: 5}", "- 1"])
def test_a_file_that_makes_no_sense_is_refused(text, tmp_path):
    from cpds.host.web.server_file import ServerFileRefused, read_server_file

    file = tmp_path / "server.yaml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ServerFileRefused):
        read_server_file(file)


@pytest.mark.parametrize("given", ["*", "proxy.example", "10.0.0.300"])
def test_proxies_are_addresses(given):
    from cpds.host.web.serve import ProxiesNotUnderstood, check_proxies

    with pytest.raises(ProxiesNotUnderstood):
        check_proxies([given])
