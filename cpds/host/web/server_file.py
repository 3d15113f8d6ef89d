"""The configuration file of ``manage.py server start``: where to listen, as earlier task engines wrote it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cpds.base.errors import CPDSError

ELSEWHERE = {
    "server": "--grace bounds the stop",
    "task-engine": "DATABASE_URL names the database, CPDS_STATE_DIR where files are kept",
    "execution": "celery -A cpds worker --concurrency, and `timeout` in the workflow",
    "functions": "every executor is always there; CPDS_FUNCTION_MODULES adds functions",
}
"""What other parts of such a file are here."""


class ServerFileRefused(CPDSError):
    """The file named by ``--config`` cannot be read, or says something that is not understood."""

    code = "server_file_refused"
    sentence = "{file} cannot be used: {why}."


@dataclass(frozen=True, kw_only=True)
class ServerFile:
    """What such a file says."""

    host: str = "127.0.0.1"
    port: int = 8848
    not_read: tuple[str, ...] = ()
    """A sentence for each part of the file that is set elsewhere."""


def read_server_file(file: Path) -> ServerFile:
    """Return what ``file`` says.

    :raises ServerFileRefused: when it cannot be read, is no mapping, or its host or port is none.
    """
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ServerFileRefused(file=file, why=error.strerror or error) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ServerFileRefused(file=file, why="it is not YAML") from error
    server = found.get("server") or {} if isinstance(found, dict) else None
    if not isinstance(server, dict):
        raise ServerFileRefused(file=file, why="expected a mapping with `server`, a mapping too")
    host, port = server.get("host", ServerFile.host), server.get("port", ServerFile.port)
    if not isinstance(host, str) or not host:
        raise ServerFileRefused(file=file, why="server.host is not an address")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port <= 65_535:
        raise ServerFileRefused(file=file, why="server.port is not a number from 0 to 65535")
    return ServerFile(host=host, port=port, not_read=tuple(_not_read(found, server)))


def _not_read(found: dict[Any, Any], server: dict[Any, Any]) -> Iterator[str]:
    names = [name for name in found if name != "server"]
    names += ["server"] if server.keys() - {"host", "port"} else []
    for name in names:
        place = ELSEWHERE.get(str(name), "nothing here reads it")
        yield f"{name}: " + (f"{place}." if name != "server" else f"only host and port are read; {place}.")
