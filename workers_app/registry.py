"""Everything that ``run`` may name: the built-in executors and the registered functions."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from cpds.base import clock
from cpds.base.conf import conf
from workers_app.executors.contract import Executor
from workers_app.executors.python_function import PythonFunction
from workers_app.functions import task_functions

_lock = threading.Lock()
_made: dict[str, Executor] = {}


def _claude() -> Executor:
    from workers_app.agents.executor import Claude
    from workers_app.agents.messages_api import ClaudeConnection
    from workers_app.agents.prices import cost_usd_micros, load_prices

    prices = load_prices(Path(conf().model_prices_file))

    def cost(model: str, tokens: Mapping[str, int]) -> int | None:
        return cost_usd_micros(model, tokens, clock.now().date(), prices)

    def connection() -> ClaudeConnection:
        settings = conf()
        if not settings.claude_api_key and settings.rehearsal_url:
            return ClaudeConnection(api_key="rehearsal", base_url=settings.rehearsal_url, simulated=True)
        return ClaudeConnection(
            api_key=settings.claude_api_key or None, base_url=settings.claude_base_url or None
        )

    return Claude(connection, cost=cost)


def _shell_command() -> Executor:
    from workers_app.executors.shell_command import ShellCommand

    return ShellCommand()


def _http_request() -> Executor:
    from workers_app.executors.http.executor import HttpRequest, body_bytes_within

    return HttpRequest(
        allowed_hosts=lambda: conf().allowed_hosts, max_body_bytes=body_bytes_within(conf().output_bytes)
    )


BUILT_IN: Mapping[str, Callable[[], Executor]] = {
    "claude": _claude,
    "http_request": _http_request,
    "shell_command": _shell_command,
}


def executor_names() -> frozenset[str]:
    """Return every name that ``run`` may use."""
    return frozenset(BUILT_IN) | frozenset(task_functions())


def find_executor(name: str) -> Executor | None:
    """Return the executor of this name, made on first use; None when there is none."""
    with _lock:
        if name not in _made:
            if name in BUILT_IN:
                _made[name] = BUILT_IN[name]()
            elif (function := task_functions().get(name)) is not None:
                _made[name] = PythonFunction(function)
        return _made.get(name)


def close_executors() -> None:
    """End every running command and close what the executors keep open, when the process ends."""
    from workers_app.executors.processes import end_all

    end_all()
    with _lock:
        if "claude" in _made:
            from workers_app.agents import executor

            executor.close()
