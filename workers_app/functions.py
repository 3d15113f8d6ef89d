"""Python functions as tasks: ``@task_function("name")`` registers, ``run: name`` calls.

A function takes either one parameter named ``ctx`` or keyword parameters, which
are filled from the task's ``with`` (and ``ctx`` too, if it is among them). It
may be ``async``. It returns JSON, or raises.
"""

import importlib
import importlib.util
import inspect
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from django.apps import apps
from django.utils.module_loading import import_string

from cpds.base.conf import conf
from tasks_app.outcomes import JSON, LastBatch
from workers_app.errors import DuplicateFunction, MismatchedSignature, UnknownService

F = TypeVar("F", bound=Callable[..., Any])
CONTEXT = "ctx"


class Context(Protocol):
    """What a task function may ask of CPDS while it runs."""

    arguments: Mapping[str, JSON]
    """The task's ``with``, rendered."""
    params: Mapping[str, JSON]
    """The parameters of the instance."""

    @property
    def cancelled(self) -> bool:
        """Whether the task was cancelled, ran out of time or lost its claim: stop soon."""
        ...

    def upstream(self, name: str) -> JSON:
        """Return the output of a task this one depends on, directly or not."""
        ...

    def service(self, name: str) -> Any:
        """Return the service that ``settings.CPDS['services']`` registers under ``name``."""
        ...

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how far the work is, 0 to 1."""
        ...

    def log(self, message: str) -> None:
        """Add a line to the instance's log."""
        ...

    @property
    def last_batch(self) -> LastBatch | None:
        """What a continuous task handed on last, before this attempt; None when it is the first."""
        ...

    def emit(self, item: JSON) -> None:
        """Hand an item on to the tasks that need this one, which is ``mode: continuous``."""
        ...


@dataclass(frozen=True, kw_only=True)
class TaskFunction:
    """A registered function and what it takes."""

    name: str
    call: Callable[..., Any]
    takes_context: bool
    takes_keywords: bool
    """Whether ``with`` is passed as keyword arguments; else the function reads it from the context."""
    required: frozenset[str]
    allowed: frozenset[str] | None
    """Names it takes from ``with``; None: any, since it reads them from the context."""


_functions: dict[str, TaskFunction] = {}
_load_lock = threading.Lock()
_loaded = False


def task_function(name: str) -> Callable[[F], F]:
    """Register a function as what ``run: <name>`` calls.

    :raises DuplicateFunction: when another function has that name.
    :raises MismatchedSignature: when it takes positional-only or variable positional parameters.
    """

    def register(function: F) -> F:
        known = _functions.get(name)
        if known is not None and _place(known.call) != _place(function):
            raise DuplicateFunction(name=name, first=_place(known.call), second=_place(function))
        _functions[name] = _describe(name, function)
        return function

    return register


def task_functions() -> Mapping[str, TaskFunction]:
    """Return every registered function, loading the modules that register them on first use.

    These are the modules named in ``settings.CPDS['function_modules']`` and
    ``cpds_functions`` of every installed app.
    """
    global _loaded  # noqa: PLW0603
    with _load_lock:
        if not _loaded:
            for module in conf().function_modules:
                importlib.import_module(module)
            for app in apps.get_app_configs():
                _import_if_there(f"{app.name}.cpds_functions")
            _loaded = True
    return _functions


def find_service(name: str) -> Any:
    """Return the service registered under ``name``; a dotted path is imported and called.

    :raises UnknownService: when the settings do not name it.
    """
    services = conf().services
    if name not in services:
        raise UnknownService(name=name, known=", ".join(sorted(services)) or "none")
    registered = services[name]
    return import_string(registered)() if isinstance(registered, str) else registered


def _import_if_there(module: str) -> None:
    if importlib.util.find_spec(module) is not None:
        importlib.import_module(module)


def _describe(name: str, function: Callable[..., Any]) -> TaskFunction:
    parameters = list(inspect.signature(function).parameters.values())
    unfit = [each for each in parameters if each.kind in {each.POSITIONAL_ONLY, each.VAR_POSITIONAL}]
    if unfit:
        raise MismatchedSignature(name=name, found=", ".join(str(each) for each in unfit))
    takes_context = any(each.name == CONTEXT for each in parameters)
    named = [each for each in parameters if each.name != CONTEXT and each.kind != each.VAR_KEYWORD]
    has_open_end = any(each.kind == each.VAR_KEYWORD for each in parameters)
    reads_context_only = takes_context and not named and not has_open_end
    return TaskFunction(
        name=name,
        call=function,
        takes_context=takes_context,
        takes_keywords=not reads_context_only,
        required=frozenset(each.name for each in named if each.default is each.empty),
        allowed=None if reads_context_only or has_open_end else frozenset(each.name for each in named),
    )


def _place(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
