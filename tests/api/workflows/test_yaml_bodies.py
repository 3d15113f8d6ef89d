"""Workflows from strangers, in each of the ways they may be sent: stored, or refused for what is wrong."""

import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.builders import a_task, a_workflow

pytestmark = pytest.mark.django_db
VALIDATE, STORE = "/api/v1/workflows/validate", "/api/v1/workflows"
GOOD = a_workflow(a_task("one"))
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
NO_WORKFLOWS = {
    "nothing": b"",
    "a comment": b"# nothing",
    "random bytes": bytes(range(256)) * 40,
    "no UTF-8": GOOD.encode() + b"# \xff\xfe",
    "half a character": b'name: "\\ud800"\ntasks: [{name: a, run: noop}]',
    "NUL": GOOD.encode() + b"\x00",
    "NUL, escaped": b'name: "a\\0b"\ntasks: [{name: a, run: noop}]',
    "an object": b"!!python/object/apply:os.system [id]",
    "a name": b"name: !!python/name:os.system\ntasks: []",
    "a tag": b"name: !mine x\ntasks: []",
    "an alias bomb": BOMB.encode(),
    "an alias of itself": b"a: &a [*a]",
    "a merge of itself": b"a: &a {<<: *a}",
    "lists in lists": b"[" * 20_000,
    "lists in lists, closed": b"[" * 20_000 + b"]" * 20_000,
    "mappings in mappings": b"{a: " * 100_000,
    "indented mappings": b"".join(b" " * n + b"a:\n" for n in range(400)),
    "a scalar of a megabyte": b"name: " + b"x" * 1_000_000,
    "a key of a megabyte": b"x" * 1_000_000 + b": 1",
    "two megabytes": GOOD.encode() + b"#" * 2_000_000,
    "a number of 5000 digits": b"name: x\ntimeout: " + b"9" * 5000,
    "a million tasks": b"name: x\ntasks:\n" + b"- {name: a}\n" * 80_000,
    "a key twice": b"name: a\nname: b\ntasks: [{name: a, run: noop}]",
    "two documents": GOOD.encode() + b"\n---\n" + GOOD.encode(),
    "a list": b"- a",
    "a number": b"3",
    "tabs": b"name: x\ntasks:\n\t- name: a",
    "quotes that do not end": b'name: "x',
    "an anchor that is none": b"name: *x",
}


def as_text(client, path, raw):
    return client.call("POST", path, raw=raw, content_type="text/yaml")


def as_registered(client, path, raw):
    return client.call("POST", path, raw=raw, content_type="application/yaml")


def as_content(client, path, raw):
    return client.post(path, {"content": raw.decode("utf-8", "replace")})


def as_file(client, path, raw):
    edge = "----edge-of-the-parts"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="w.yaml"\r\n\r\n'.encode()
    body = head + raw + f"\r\n--{edge}--\r\n".encode()
    return client.call("POST", path, raw=body, content_type=f"multipart/form-data; boundary={edge}")


WAYS = [as_text, as_registered, as_content, as_file]


@pytest.fixture
def editor(people):
    return people.client("editor")


def assert_refused(told, what):
    assert told.status_code in {400, 413, 422}, (what, told.status_code, told.content[:300])
    assert told.body["errors"], what
    assert b"Traceback" not in told.content


@pytest.mark.parametrize("send", WAYS)
def test_what_is_no_workflow_is_refused(editor, send):
    for what, raw in NO_WORKFLOWS.items():
        if not (send is as_content and what == "no UTF-8"):  # JSON cannot hold it
            assert_refused(send(editor, STORE, raw), what)
    assert editor.get(STORE).body["data"]["total"] == 0


@pytest.mark.parametrize("send", WAYS)
def test_what_is_one_is_stored(editor, send):
    assert send(editor, STORE, GOOD.encode()).status_code == 201
    assert send(editor, STORE, GOOD.replace("\n", "\r\n").encode()).status_code == 200


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_read_or_refused(editor, codec):
    told = as_text(editor, STORE, GOOD.encode(codec))

    assert told.status_code == 201 if codec == "utf-8-sig" else told.status_code in {201, 400, 422}


@pytest.mark.parametrize("edge", ["", "x" * 5000, '"', "\x00", "é"])
def test_parts_that_have_no_edge_are_refused(editor, edge):
    told = editor.call(
        "POST", STORE, raw=b"--x\r\n\r\n", content_type=f"multipart/form-data; boundary={edge}"
    )

    assert 400 <= told.status_code < 500


@pytest.mark.parametrize(
    "head",
    [
        b'name="file"',
        b'name="content"',
        b'name="file"; filename="../../etc/passwd"',
        b'name="file"; filename="\x00"',
        b'name="other"; filename="a"',
        b'filename="a"',
        b"nonsense",
        b'name="file"; filename="' + b"x" * 10_000 + b'"',
    ],
)
def test_strange_parts_give_no_failure(editor, head):
    body = b"--e\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + GOOD.encode() + b"\r\n--e--\r\n"

    told = editor.call("POST", VALIDATE, raw=body, content_type="multipart/form-data; boundary=e")

    assert told.status_code < 500, told.content


def test_a_thousand_parts_give_no_failure(editor):
    part = b'--e\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'

    told = editor.call(
        "POST", VALIDATE, raw=part * 1000 + b"--e--\r\n", content_type="multipart/form-data; boundary=e"
    )

    assert 400 <= told.status_code < 500


keys = st.sampled_from(
    [
        "name",
        "tasks",
        "needs",
        "run",
        "with",
        "params",
        "schedule",
        "retry",
        "timeout",
        "foreach",
        "when",
        "on",
        "<<",
        "x",
    ]
) | st.text(max_size=5)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.dates()
    | st.binary(max_size=5)
    | st.sampled_from(["{{ params.x }}", "{{", "10s", "* * * * *", "a", "noop"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=25,
)
tasks = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "c"]), "run": st.sampled_from(["noop", "echo", "fail"])},
    optional=dict.fromkeys(
        ("needs", "with", "retry", "timeout", "foreach", "when", "on_failure", "requires"), values
    ),
)
workflows = values | st.fixed_dictionaries(
    {"name": st.just("drawn"), "tasks": st.lists(tasks, max_size=4) | values},
    optional=dict.fromkeys(("params", "schedule", "timeout", "description", "max_parallel"), values),
)
bounded = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def assert_answered(told):
    assert told.status_code in {200, 400, 422}, (told.status_code, told.content[:300])
    assert "code" in told.body


def test_random_bytes(editor):
    @bounded
    @given(raw=st.binary(max_size=300))
    def send(raw):
        assert_answered(as_text(editor, VALIDATE, raw))

    send()


def test_random_text(editor):
    @bounded
    @given(
        text=st.text(
            alphabet=st.sampled_from("ab:-[]{}&*!|>'\"%@`#,? \n\t\\0<~é\u2028\x85\ufeff"), max_size=200
        )
    )
    def send(text):
        assert_answered(as_text(editor, VALIDATE, text.encode()))
        assert_answered(as_content(editor, VALIDATE, text.encode()))

    send()


def test_random_yaml(editor):
    @bounded
    @given(value=workflows)
    def send(value):
        assert_answered(
            as_text(editor, VALIDATE, yaml.dump(value, allow_unicode=True).encode("utf-8", "replace"))
        )

    send()


def test_workflows_with_random_bytes_in_them(editor):
    @bounded
    @given(place=st.integers(0, len(GOOD)), raw=st.binary(min_size=1, max_size=4))
    def send(place, raw):
        assert_answered(as_text(editor, VALIDATE, GOOD.encode()[:place] + raw + GOOD.encode()[place:]))

    send()


def test_content_is_text(editor):
    for content in (None, 1, [], {}, [GOOD], {"a": GOOD}, True):
        assert_refused(editor.call("POST", STORE, raw=json.dumps({"content": content}).encode()), content)
