"""What the tasks of a chaos run do: they tell a log outside what they did, and as which attempt."""

import time
from typing import Any

from tests.support.effects import append_effect
from workers_app.functions import task_function


@task_function("chaos_step")
def chaos_step(ctx: Any) -> dict[str, Any]:
    """Take ``seconds``, tell the log ``path``, and return what it was told.

    ``fails``: raise an error up to and including the attempt of this number.
    """
    arguments = ctx.arguments
    effect = f"{ctx.instance_id}/{ctx.task_name}/{ctx.attempt}"
    append_effect(arguments["path"], effect)
    time.sleep(arguments.get("seconds", 0))
    if ctx.attempt <= arguments.get("fails", 0):
        raise RuntimeError(f"attempt {ctx.attempt} of {arguments['fails']} that fail")
    return {"effect": effect}


@task_function("chaos_hold")
def chaos_hold(ctx: Any) -> int:
    """Run until the claim is lost, as the first attempt; return at once as any other."""
    while ctx.attempt == 1 and not ctx.cancelled:
        time.sleep(0.05)
    return int(ctx.attempt)
