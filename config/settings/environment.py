"""Read the environment, and refuse what cannot be meant."""

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterable
from dataclasses import Field
from pathlib import Path
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured

from config.settings.variables import VARIABLES

MAX_SOCKET_PATH_BYTES = 100  # the kernel's limit for a Unix socket is 108 with the final NUL


def overrides(settings: Iterable[Field[Any]]) -> dict[str, Any]:
    """Return what the environment says of settings of ``cpds/base/conf.py``, by their names."""
    return {each.name: _read(each) for each in settings if each.metadata["env"]}


def _read(setting: Field[Any]) -> Any:
    name: str = setting.metadata["env"]
    default: Any = setting.default
    if setting.type is float:
        return number(name, default)
    if setting.type is int:
        return int(number(name, default))
    if setting.type is bool:
        return flag(name, default=default)
    if setting.type is str:
        return text(name, default)
    if setting.type == list[str]:
        return words(name)
    written = text(name, "")
    return json_list(written, name=name) if setting.type == list[Any] else json_object(written, name=name)


def text(name: str, default: str | None = None) -> str:
    """Return the variable, or what stands in the file named by ``NAME_FILE``."""
    file = os.environ.get(f"{name}_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {file}, which cannot be read: {error}") from error
    return os.environ.get(name, str(VARIABLES[name].default) if default is None else default)


def number(name: str, default: float | None = None) -> float:
    """Return the variable as a number.

    :raises ImproperlyConfigured: when it is not one, or is negative.
    """
    found = os.environ.get(name)
    if found is None:
        return cast("float", VARIABLES[name].default) if default is None else default
    try:
        value = float(found)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {found!r}; expected a number.") from None
    if not 0 <= value < float("inf"):
        raise ImproperlyConfigured(f"{name} is {found!r}; expected a number that is not negative.")
    return value


def whole_seconds(seconds: float) -> int:
    """Return these seconds as beat's tables can say them: whole ones, and at least one.

    They drop a fraction, and what is left of half a second would be always due.
    """
    return max(1, math.ceil(seconds))


def flag(name: str, *, default: bool | None = None) -> bool:
    """Return the variable as yes or no.

    :raises ImproperlyConfigured: for anything but 1, true, yes, 0, false, no.
    """
    found = os.environ.get(name)
    if found is None or found == "":
        return bool(VARIABLES[name].default) if default is None else default
    if found.lower() in {"1", "true", "yes"}:
        return True
    if found.lower() in {"0", "false", "no"}:
        return False
    raise ImproperlyConfigured(f"{name} is {found!r}; expected 1, true, yes, 0, false or no.")


def words(name: str) -> list[str]:
    """Return a comma-separated variable as a list, without empty entries."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def json_list(given: str, *, name: str) -> list[Any]:
    """Return the text of variable ``name`` as a list written in JSON; an empty one is an empty list.

    :raises ImproperlyConfigured: when it is no such list. What stands there is not repeated.
    """
    try:
        value = json.loads(given) if given.strip() else []
    except ValueError:
        value = None
    if not isinstance(value, list):
        raise ImproperlyConfigured(f"{name} cannot be read; expected a list in JSON.")
    return value


def json_object(given: str, *, name: str) -> dict[str, Any]:
    """Return the text of variable ``name`` as a mapping written in JSON; an empty one is an empty mapping.

    :raises ImproperlyConfigured: when it is no such mapping. What stands there is not repeated.
    """
    try:
        value = json.loads(given) if given.strip() else {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f"{name} cannot be read; expected an object in JSON.")
    return value


def result_url(broker_url: str) -> str | None:
    """Return where chords count their members: ``CPDS_RESULT_URL``, else a broker that can do it.

    ``none`` asks for no result backend. Without one there are no chords, and joins
    are planned one by one.
    """
    given = text("CPDS_RESULT_URL")
    if given == "none":
        return None
    return given or (broker_url if broker_url.startswith("redis") else None)


def state_directory() -> Path:
    """Return where this installation keeps its state: ``CPDS_STATE_DIR``, default ``var``."""
    return Path(os.environ.get("CPDS_STATE_DIR") or "var").expanduser().resolve()


def broker_socket(state: Path) -> Path:
    """Return the Unix socket of the embedded broker of a state directory.

    It lies in the state directory, or, where that path is too long for a socket,
    in a private directory of the system's temporary one.
    """
    socket = state / "broker.sock"
    if len(os.fsencode(socket)) <= MAX_SOCKET_PATH_BYTES:
        return socket
    name = hashlib.sha256(os.fsencode(state)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"cpds-{os.getuid()}-{name}" / "broker.sock"
