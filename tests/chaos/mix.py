"""The workflows of a chaos run: every shape and every policy, small enough to end within seconds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.builders import Task, a_chain, a_diamond, a_fan, a_task, a_workflow, layers

STEP: Final = "chaos_step"
INNER: Final = "chaos-inner"
SCRIPT: Final = 'printf \'{"line":"%s","pid":%d,"at":0}\\n\' "$2" "$$" >> "$1"; sleep "$3"; printf "%s" "$2"'
"""One write for the effect, in the form of the effect log; then a while; then the effect as the output."""
EFFECT: Final = "{{ instance.id }}/{{ task.name }}/{{ task.attempt }}"
RETRY: Final = {"retry": {"count": 3, "interval": 0.2, "backoff": "fixed"}}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A workflow, and the state in which each of its instances has to end."""

    name: str
    source: bytes
    ends: str


def recipes(log: Path) -> Sequence[Recipe]:
    """Return the workflows of the mix, those that others start first. Their effects go to ``log``."""
    common: dict[str, Any] = {"path": str(log), "run": STEP}
    brief, longer = {**common, "seconds": 0.1}, {**common, "seconds": 0.6}
    return [
        _recipe(INNER, *a_chain(3, **brief)),
        _recipe("chaos-chain", *a_chain(12, **brief)),
        _recipe("chaos-fan", *a_fan(10, **longer)),
        _recipe("chaos-diamonds", *a_diamond(prefix="one", **brief), *a_diamond(prefix="two", **longer)),
        _recipe("chaos-layers", *layers(4, 4, seed=1, **brief)),
        _recipe("chaos-joins", *_joins(common), on_failure="continue"),
        _recipe("chaos-retries", *_retries(common)),
        _recipe("chaos-items", *_items(common)),
        _recipe("chaos-saga", *_saga(common), on_failure="compensate", ends="compensated"),
        _recipe(
            "chaos-parent",
            a_task("before", **brief),
            {"name": "sub", "workflow": INNER, "needs": ["before"]},
            a_task("after", needs=["sub"], **brief),
        ),
        _recipe("chaos-shell", *_shell(log)),
        _recipe(
            "chaos-failure",
            a_task("bad", fails=99, **common),
            a_task("never", needs=["bad"], **common),
            a_task("apart", **longer),
            on_failure="continue",
            ends="failed",
        ),
    ]


def _recipe(name: str, *tasks: Task, ends: str = "completed", **more: Any) -> Recipe:
    apart = json.loads(json.dumps(tasks))  # what is shared would become anchors, which workflows do not have
    return Recipe(name=name, source=a_workflow(*apart, name=name, **more).encode(), ends=ends)


def _joins(common: dict[str, Any]) -> list[Task]:
    sources = ["slow", "quick", "allowed"]
    return [
        a_task("slow", seconds=1.0, **common),
        a_task("quick", **common),
        a_task("allowed", fails=99, also={"allow_failure": True}, **common),
        a_task("unwanted", also={"when": "{{ false }}"}, **common),
        a_task("any", needs=sources, also={"join": "any"}, **common),
        a_task("done", needs=sources, also={"join": "all_done"}, **common),
        a_task("two", needs=sources, also={"join": {"at_least": 2}}, **common),
        a_task("all", needs=["any", "done", "two", "unwanted"], **common),
    ]


def _retries(common: dict[str, Any]) -> list[Task]:
    return [
        a_task("shaky", fails=2, also=RETRY, **common),
        a_task("shakier", needs=["shaky"], fails=1, seconds=0.3, also=RETRY, **common),
        a_task("firm", needs=["shakier"], **common),
    ]


def _items(common: dict[str, Any]) -> list[Task]:
    each = {"for_each": list(range(6)), "max_parallel": 3}
    return [
        a_task("before", **common),
        a_task("each", needs=["before"], seconds=0.3, also=each, **common),
        a_task("after", needs=["each"], **common),
    ]


def _saga(common: dict[str, Any]) -> list[Task]:
    undone = {"compensate": {"run": STEP, "with": {"path": common["path"], "seconds": 0.2}}}
    return [
        *(a_task(f"book-{place}", seconds=0.2, also=undone, **common) for place in range(3)),
        a_task("pay", needs=[f"book-{place}" for place in range(3)], also=undone, **common),
        a_task("bad", needs=["pay"], fails=99, **common),
    ]


def _shell(log: Path) -> list[Task]:
    argv = ["sh", "-c", SCRIPT, "sh", str(log), EFFECT, "0.4"]
    return [
        a_task("first", run="shell_command", argv=argv),
        a_task("second", run="shell_command", argv=argv),
        a_task("join", run="shell_command", needs=["first", "second"], argv=argv),
    ]
