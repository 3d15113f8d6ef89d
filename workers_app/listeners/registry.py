"""The listeners that the settings name: built-in ones, dotted paths, entry points of packages."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string

from cpds.base.conf import conf
from workers_app.errors import UnusableListener
from workers_app.listeners.contract import EventListener

logger = logging.getLogger(__name__)

ENTRY_POINTS: Final = "cpds.listeners"
BUILT_IN: Final[Mapping[str, str]] = {
    "webhook": "workers_app.listeners.webhook:Webhook",
    "email": "workers_app.listeners.email:Email",
}
ENTRY_KEYS: Final = frozenset({"listener", "name", "events", "options"})
NAME_CHARACTERS: Final = 100


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A listener in force, under the name and with the events that the settings give it."""

    name: str
    events: frozenset[str]
    listener: EventListener


@dataclass(frozen=True, kw_only=True)
class Registry:
    """Every listener that can be used, and what is wrong with the others."""

    listeners: Mapping[str, Registered]
    wishes: Mapping[str, frozenset[str]]
    problems: Sequence[UnusableListener]


_lock = threading.Lock()
_known: tuple[Any, Registry] = (None, Registry(listeners={}, wishes={}, problems=()))


def registry() -> Registry:
    """Return the listeners in force. They are made once for each value of ``settings.CPDS``."""
    global _known  # noqa: PLW0603
    given = getattr(settings, "CPDS", None)
    known, made = _known
    if known is given:
        return made
    with _lock:
        made = make_registry(conf().listeners)
        for problem in made.problems:
            logger.error("listener_left_out %s", problem)
        _known = (given, made)
    return made


def make_registry(entries: Any) -> Registry:
    """Make what these entries name; one that cannot be used becomes a problem, not an exception."""
    found: dict[str, Registered] = {}
    problems = []
    if not isinstance(entries, (list, tuple)):
        problem = UnusableListener(entry=type(entries).__name__, why="expected a list of listeners")
        return Registry(listeners={}, wishes={}, problems=[problem])
    for place, entry in enumerate(entries, start=1):
        try:
            registered = _register(entry)
            if registered.name in found:
                raise UnusableListener(  # noqa: TRY301 - one place turns problems into values
                    entry=f"Entry {place}",
                    why=f"another one is called {registered.name!r}; give it a name of its own",
                )
        except UnusableListener as problem:
            problems.append(problem)
        except Exception as error:
            # Its message may repeat an option, and options hold secrets.
            problems.append(UnusableListener(entry=f"Entry {place}", why=f"it raised {type(error).__name__}"))
        else:
            found[registered.name] = registered
    return Registry(
        listeners=found,
        wishes={name: registered.events for name, registered in found.items()},
        problems=problems,
    )


def _register(entry: Any) -> Registered:
    mapping: Mapping[str, Any] = {"listener": entry} if isinstance(entry, str) else entry
    if not isinstance(mapping, Mapping) or not isinstance(mapping.get("listener"), str):
        raise UnusableListener(
            entry="An entry", why="expected a dotted path or a mapping with the key 'listener'"
        )
    path: str = mapping["listener"]
    unknown = sorted(set(map(str, mapping)) - ENTRY_KEYS)
    if unknown:
        raise UnusableListener(
            entry=path,
            why=f"it has unknown keys ({', '.join(unknown)}); known: {', '.join(sorted(ENTRY_KEYS))}",
        )
    listener = _make(path, _found(path), mapping.get("options"))
    events = mapping.get("events", getattr(listener, "events", ()))
    if isinstance(events, str) or not events or not all(isinstance(event, str) for event in events):
        raise UnusableListener(entry=path, why="its events are no list of event names")
    name = mapping.get("name") or getattr(listener, "name", "")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARACTERS:
        raise UnusableListener(entry=path, why=f"its name is no text of 1 to {NAME_CHARACTERS} characters")
    return Registered(name=name, events=frozenset(events), listener=listener)


def _found(path: str) -> Any:
    """Return what a built-in name, an entry point's name or a dotted path stands for."""
    if path in BUILT_IN:
        module, _, attribute = BUILT_IN[path].partition(":")
        return getattr(import_module(module), attribute)
    if "." in path:
        try:
            return import_string(path)
        except ImportError as error:
            raise UnusableListener(entry=path, why=f"it cannot be imported ({error})") from error
    # Only what the settings name is ever loaded: an installed package alone is told nothing.
    for point in entry_points(group=ENTRY_POINTS, name=path):
        return point.load()
    known = sorted({*BUILT_IN, *(point.name for point in entry_points(group=ENTRY_POINTS))})
    raise UnusableListener(
        entry=path, why=f"it is no dotted path, and no listener is called so; known: {', '.join(known)}"
    )


def _make(path: str, found: Callable[..., Any], options: Any) -> EventListener:
    if options is not None and not isinstance(options, Mapping):
        raise UnusableListener(entry=path, why="its options are no mapping")
    if callable(found):
        try:
            made = found(**(options or {}))
        except (TypeError, ValueError) as error:
            # A listener's own ValueError says what is expected and never repeats what was given.
            why = str(error).rstrip(".") if isinstance(error, ValueError) else "its options do not fit"
            raise UnusableListener(entry=path, why=why) from error
    elif options:
        raise UnusableListener(entry=path, why="it is made already and takes no options")
    else:
        made = found
    if not callable(getattr(made, "deliver", None)):
        raise UnusableListener(entry=path, why="it has no method deliver(event)")
    listener: EventListener = made
    return listener
