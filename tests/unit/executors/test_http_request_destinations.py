"""Where a request may go, whatever the URL, the name server and the redirects say."""

import socket
import threading

import pytest

from tasks_app.outcomes import Completed
from tests.unit.executors.builders import a_call
from tests.unit.executors.http_server import a_server, reply
from workers_app.executors.http.destinations import is_allowed
from workers_app.executors.http.executor import HttpRequest

PUBLIC = "93.184.216.34"


@pytest.fixture
def server():
    with a_server() as server:
        yield server


@pytest.fixture
def connected(monkeypatch):
    """The addresses connections were made to."""
    addresses = []
    before = socket.socket.connect_ex

    def connect_ex(self, address):
        addresses.append(address[0])
        return before(self, address)

    monkeypatch.setattr(socket.socket, "connect_ex", connect_ex)
    return addresses


@pytest.fixture
def send(tmp_path):
    def send(url, allowed=(), answers=None, ports=(80, 443), **arguments):
        executor = HttpRequest(allowed_hosts=lambda: allowed, ports=ports)
        if answers is not None:
            executor = HttpRequest(
                allowed_hosts=lambda: allowed, ports=ports, resolver=lambda host, _port: answers(host)
            )
        return executor.execute(a_call(tmp_path, url=url, timeout_seconds=5.0, **arguments))

    return send


LOCAL_HOSTS = [
    *("127.0.0.1", "localhost", "localhost.", "127.1", "0", "0.0.0.0", "2130706433", "0x7f000001"),
    *("10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "100.100.100.200"),
    *("198.18.0.1", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]"),
    *("[::ffff:100.64.0.1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[2002:7f00:1::]"),
    *("[64:ff9b::7f00:1]", "[2001:0:53aa:64c:0:7fff:f5ff:fffe]", "[fc00::1]", "[fec0::1]", "[fd00:ec2::254]"),
]


@pytest.mark.parametrize("host", LOCAL_HOSTS)
def test_a_host_that_is_not_public_is_refused_without_a_connection(send, connected, host):
    outcome = send(f"http://{host}/")

    assert (outcome.kind, outcome.retryable) == ("refused_address", False)
    assert connected == []


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "gopher://example.com/", "ftp://example.com/", "unix:/run/docker.sock"),
        *("//example.com/", "http:/\\evil", "http:///path", "example.com", "", "http://", "jar:http://a!/"),
        *("http://user@example.com/", "http://u:p@example.com/", "http://good\\@example.com/"),
        *(
            "http://exa\tmple.com/",
            "http://example.com/\r\nX: y",
            " http://example.com/",
            "http://ex ample.com/",
        ),
        *(
            "http://0177.0.0.1/",
            "http://\uff11\uff12\uff17.0.0.1/",
            "http://[fe80::1%25eth0]/",
            "http://[::1",
        ),
        *("http://example.com:0/", "http://example.com:99999/", "http://example.com:x/", "http://a%2eb/"),
    ],
)
def test_what_is_no_plain_web_url_is_bad_input(send, connected, url):
    outcome = send(url)

    assert (outcome.kind, outcome.retryable) == ("bad_input", False)
    assert connected == []


def test_a_fragment_does_not_hide_the_host(send):
    assert send("http://127.0.0.1#@example.com/").kind == "refused_address"


@pytest.mark.parametrize(
    "addresses", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], ["fd00::1"], [PUBLIC, "::ffff:10.0.0.1"]]
)
def test_one_private_address_among_the_answers_refuses_the_host(send, connected, addresses):
    outcome = send("http://rebind.example/", answers=lambda _host: addresses)

    assert outcome.kind == "refused_address"
    assert connected == []


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(
    send, server, connected, monkeypatch
):
    asked = []

    def rebinding(host):
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    monkeypatch.setattr(
        socket.socket, "connect_ex", lambda _self, address: connected.append(address[0]) or 111
    )
    outcome = send("http://rebind.example/", answers=rebinding)

    assert outcome.kind == "connection"
    assert asked == ["rebind.example"]
    assert connected == [PUBLIC]


def test_the_host_header_names_the_host_not_the_address(send, server):
    server.answers["/"] = reply()

    send(server.url("/", host="internal.example"), ["internal.example"], lambda _host: ["127.0.0.1"])

    assert server.received[0].headers["host"] == f"internal.example:{server.port}"


def test_the_next_address_is_tried_when_one_does_not_answer(send, server):
    server.answers["/"] = reply()

    outcome = send(
        server.url("/", host="two.example"), ["two.example"], lambda _host: ["127.0.0.2", "127.0.0.1"]
    )

    assert isinstance(outcome, Completed)


def test_a_name_without_an_address_is_worth_a_retry(send):
    def unknown(_host):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert send("http://nowhere.example/", answers=unknown).retryable is True
    assert send("http://nowhere.example/", answers=lambda _host: []).kind == "connection"


def test_a_name_server_that_hangs_is_not_waited_for(send):
    never = threading.Event()
    try:
        outcome = send("http://slow.example/", answers=lambda _host: never.wait(20) and [], timeout=0.3)
    finally:
        never.set()

    assert outcome.kind == "timeout"


@pytest.mark.parametrize("port", [22, 25, 5432, 6379, 8080])
def test_other_ports_of_public_hosts_are_refused(send, connected, port):
    outcome = send(f"http://example.com:{port}/", answers=lambda _host: [PUBLIC])

    assert outcome.kind == "refused_address"
    assert connected == []


@pytest.mark.parametrize(
    ("host", "port", "entry", "allowed"),
    [
        ("127.0.0.1", 80, "127.0.0.1", True),
        ("127.0.0.1", 80, "127.0.0.1:80", True),
        ("127.0.0.1", 81, "127.0.0.1:80", False),
        ("127.1", 80, "127.0.0.1", False),
        ("::1", 80, "::1", True),
        ("::1", 80, "[::1]:80", True),
        ("0:0:0:0:0:0:0:1", 80, "[::1]", True),
        ("::1", 81, "[::1]:80", False),
        ("api.internal", 80, "API.Internal", True),
        ("api.internal.", 80, "api.internal", True),
        ("evil-api.internal", 80, "api.internal", False),
        ("x.api.internal", 80, "api.internal", False),
        ("api", 80, "", False),
        ("api", 80, "api:port", False),
    ],
)
def test_the_allowed_list_names_hosts_and_perhaps_ports(host, port, entry, allowed):
    assert is_allowed(host, port, [entry]) is allowed


def test_redirects_are_followed_and_end_at_the_answer(send, server):
    server.answers |= {"/a": reply(302, Location="/b?x=1"), "/b": reply(body=b"here")}

    outcome = send(server.url("/a"), ["127.0.0.1"])

    assert outcome.output["text"] == "here"
    assert [one.line.split()[1] for one in server.received] == ["/a", "/b?x=1"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        *("http://169.254.169.254/latest", "http://localhost:1/", "//10.0.0.1/", "http://[::1]:1/"),
        *("file:///etc/passwd", "gopher://127.0.0.1/", "http://user:pw@127.0.0.1/", "http://[bad"),
    ],
)
def test_a_redirect_to_a_place_refused_is_refused(send, server, status, location):
    server.answers["/"] = reply(status, Location=location)

    outcome = send(server.url("/"), [f"127.0.0.1:{server.port}"])

    assert (outcome.kind, outcome.retryable) == ("refused_address", False)
    assert len(server.received) == 1


def test_a_redirect_to_another_port_is_checked_too(send, server):
    with a_server() as other:
        server.answers["/"] = reply(302, Location=other.url("/"))

        outcome = send(server.url("/"), [f"127.0.0.1:{server.port}"])

        assert outcome.kind == "refused_address"
        assert other.received == []


def test_a_redirect_loop_ends_after_five_hops(send, server):
    server.answers["/"] = reply(302, Location="/")

    outcome = send(server.url("/"), ["127.0.0.1"])

    assert len(server.received) == 6
    assert (outcome.kind, outcome.retryable, outcome.detail) == ("http_status", False, {"status": 302})


def test_an_expected_redirect_is_an_answer(send, server):
    server.answers["/"] = reply(302, Location="http://10.0.0.1/")

    outcome = send(server.url("/"), ["127.0.0.1"], expect_status=[302])

    assert outcome.output["headers"]["location"] == "http://10.0.0.1/"


def test_secrets_do_not_follow_a_redirect_to_another_origin(send, server):
    with a_server() as other:
        server.answers["/"] = reply(307, Location=other.url("/"))
        other.answers["/"] = reply()
        headers = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Api-Key": "k", "X-Plain": "stays"}

        send(server.url("/"), ["127.0.0.1"], headers=headers)

        assert server.received[0].headers.keys() >= {"authorization", "cookie", "x-api-key"}
        assert not other.received[0].headers.keys() & {"authorization", "cookie", "x-api-key"}
        assert other.received[0].headers["x-plain"] == "stays"


def test_secrets_stay_within_one_origin(send, server):
    server.answers |= {"/a": reply(302, Location="/b"), "/b": reply()}

    send(server.url("/a"), ["127.0.0.1"], headers={"Authorization": "Bearer x"})

    assert server.received[1].headers["authorization"] == "Bearer x"


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [(301, "GET", b""), (302, "GET", b""), (303, "GET", b""), (307, "POST", b"x"), (308, "POST", b"x")],
)
def test_a_redirected_post_is_repeated_only_where_the_status_says_so(send, server, status, method, body):
    server.answers |= {"/a": reply(status, Location="/b"), "/b": reply()}

    send(server.url("/a"), ["127.0.0.1"], method="POST", body="x")

    second = server.received[1]
    assert (second.line.split()[0], second.body) == (method, body)
    assert ("idempotency-key" in second.headers) is (method == "POST")


@pytest.mark.parametrize(
    "headers",
    [
        *({"X": "a\r\nHost: evil"}, {"X": "a\nb"}, {"X\r\nY": "a"}, {"X": "a\0"}, {"": "a"}, {"a b": "c"}),
        *({"Host": "evil"}, {"content-length": "5"}, {"Transfer-Encoding": "chunked"}, {"Connection": "x"}),
        *({"Upgrade": "h2c"}, {"Proxy-Authorization": "x"}, {"X-A": "1", "x-a": "2"}, {"X": "\u4e2d"}),
    ],
)
def test_headers_that_could_change_the_request_are_bad_input(send, connected, headers):
    outcome = send("http://example.com/", headers=headers)

    assert (outcome.kind, outcome.detail["fields"]) == ("bad_input", ["headers"])
    assert connected == []


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        ({}, ["url"]),
        ({"url": "http://a.example/", "json": 1, "body": "x"}, [""]),
        ({"url": "http://a.example/", "method": "TRACE"}, ["method"]),
        ({"url": "http://a.example/", "expect_status": "ok"}, ["expect_status"]),
        ({"url": "http://a.example/", "expect_status": [200, 99]}, ["expect_status"]),
        ({"url": "http://a.example/", "expect_status": []}, ["expect_status"]),
        ({"url": "http://a.example/", "timeout": -1}, ["timeout"]),
        ({"url": "http://a.example/", "headers": {"A": 1}}, ["headers.A"]),
        ({"url": "http://a.example/", "verify": False}, ["verify"]),
    ],
)
def test_bad_arguments_are_found_before_running(arguments, fields):
    problems = HttpRequest().check_arguments(arguments, templated=frozenset())

    assert [problem.field for problem in problems] == fields


def test_templated_arguments_are_judged_by_presence_only():
    arguments = {"url": "{{ params.url }}", "expect_status": "{{ params.status }}", "json": "{{ x }}"}

    assert HttpRequest().check_arguments(arguments, templated=frozenset(arguments)) == []


@pytest.mark.parametrize("content", [float("inf"), {"a": float("nan")}])
def test_a_body_that_is_no_json_is_bad_input(send, content):
    assert send("http://example.com/", method="POST", json=content).kind == "bad_input"
