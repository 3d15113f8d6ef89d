"""A request as ASGI tells it, in the words of WSGI."""

import sys
from collections.abc import MutableMapping
from io import BytesIO
from typing import Any

WITHOUT_PREFIX = {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}


def environ_of(scope: MutableMapping[str, Any], body: BytesIO, *, announced: int = 0) -> dict[str, Any]:
    """Return the WSGI environment of an HTTP scope whose body has been read.

    The length is that of the body, whatever the client announced. Headers whose name
    has an underscore are left out: they could not be told from those with a hyphen.

    :param announced: the length of a body that was too long to be read, for whoever refuses it.
    """
    server, port = scope.get("server") or ("localhost", 80)
    root = scope.get("root_path", "")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": _bytes_as_text(root),
        "PATH_INFO": _bytes_as_text(scope["path"].removeprefix(root)),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server,
        "SERVER_PORT": str(port or 0),
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_text in scope["headers"]:
        name, text = raw_name.decode("latin-1"), raw_text.decode("latin-1")
        if "_" in name:
            continue
        key = WITHOUT_PREFIX.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        glue = "; " if name == "cookie" else ","
        environ[key] = f"{environ[key]}{glue}{text}" if key in environ else text
    environ["CONTENT_LENGTH"] = str(announced or body.getbuffer().nbytes)
    return environ


def _bytes_as_text(text: str) -> str:
    return text.encode("utf-8").decode("latin-1")
