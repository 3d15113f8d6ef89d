"""What is kept under version control works on any machine."""

import re

from tests.architecture.sources import kept_files, listed, name_of

# The brackets keep this file from finding itself.
OF_ONE_MACHINE = re.compile(r"(?<![\w.:/}\])-])/(?:[w]ork|[r]oot|[h]ome|[U]sers)/[\w.-]+")
REGISTRIES = re.compile(
    r"(?i)\b[\w.-]*(?:[p]ypi|[p]ythonhosted|[n]pmjs|[a]rtifactory|[d]evpi)[\w.-]*\.(?:org|com|io|net|dev|internal)\b"
    r"|--?(?:extra-)?[i]ndex-url\b"
)
LARGEST_BYTES = 2_000_000


def texts():
    for file in kept_files():
        if file.stat().st_size <= LARGEST_BYTES:
            try:
                yield name_of(file), file.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def hits(pattern):
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_file_names_a_place_of_one_machine():
    found = hits(OF_ONE_MACHINE)

    assert not found, listed(found)


def test_no_file_names_a_package_registry():
    found = hits(REGISTRIES)

    assert not found, listed(found)


def test_a_place_of_one_machine_is_noticed():
    lines = ["x = '/{}/ann/cpds'".format("home"), "cd /{}/main".format("work")]

    assert [line for line in lines if not OF_ONE_MACHINE.search(line)] == []


def test_a_registry_is_noticed():
    hosts = ["pypi" + ".org", "files.python" + "hosted.org", "--index" + "-url https://x"]

    assert [host for host in hosts if not REGISTRIES.search(host)] == []


def test_an_address_of_the_web_is_let_be():
    assert not OF_ONE_MACHINE.search("https://example.com/" + "home/page")
