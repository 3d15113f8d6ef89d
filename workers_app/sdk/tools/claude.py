"""Claude as a tool: a task's prompt is put to the Messages API, and its answer is the output.

Needs the ``anthropic`` package, which is loaded with the first task, and for an
``output_schema`` the ``jsonschema`` package.
"""

from typing import Any

from workers_app.agents.arguments import DEFAULT_MODEL
from workers_app.agents.executor import Claude
from workers_app.agents.messages_api import ClaudeConnection
from workers_app.sdk.context import Context
from workers_app.sdk.handlers import Handler
from workers_app.sdk.tools.executing import ExecutorTool


def claude_tool(
    *, api_key: str | None, base_url: str | None = None, model: str = DEFAULT_MODEL, simulated: bool = False
) -> Handler:
    """Return a handler that asks Claude.

    A task's ``with`` is that of a ``claude`` task (``prompt``, ``system``, ``role``, ``model``,
    ``max_tokens``, ``effort``, ``output_schema``); what is empty in it counts as left out. Without
    ``prompt`` Claude is told its title, description and context. ``simulated``: the server at
    ``base_url`` is a rehearsal's.
    """
    connection = ClaudeConnection(api_key=api_key, base_url=base_url, simulated=simulated)

    def arguments(context: Context) -> dict[str, Any]:
        given = {name: value for name, value in context.arguments.items() if value not in (None, "")}
        given.pop("kind", None)  # it chose the handler
        return {"model": model, **given, "prompt": context.prompt}

    return ExecutorTool(Claude(lambda: connection), arguments=arguments)
