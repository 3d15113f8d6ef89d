"""Two instances side by side: what each task came to, and where their outputs differ."""

import json
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from tasks_app.planning.definition.output.diff import diff_values
from tasks_app.services.queries.instances import instance_status
from tasks_app.services.queries.values import JSONObject

DIGITS: Final = 12
DIFFERENCES: Final = 20
"""So many differences of an output are told, and how many there are."""
_WHOLE: Final = ("id", "workflow_name", "workflow_version", "status", "duration_ms")
_EACH: Final = ("status", "duration_ms", "attempts", "tokens", "cost_usd", "simulated")


def compare_instances(*, a: str, b: str) -> JSONObject:
    """Return two instances and, in the order of ``a``, their tasks side by side; one that is missing is None.

    An output is told by the beginning of its SHA-256, as JSON with sorted keys,
    and by where the two differ.

    :raises NotFound: when one of them does not exist.
    """
    one, other = instance_status(given=a), instance_status(given=b)
    left = {task["name"]: task for task in one["tasks"]}
    right = {task["name"]: task for task in other["tasks"]}
    return {
        "a": _whole(one),
        "b": _whole(other),
        "tasks": [_pair(name, left.get(name), right.get(name)) for name in dict.fromkeys([*left, *right])],
    }


def _whole(status: JSONObject) -> JSONObject:
    costs = [task["cost_usd"] for task in status["tasks"] if task["cost_usd"] is not None]
    return {**{key: status[key] for key in _WHOLE}, "cost_usd": sum(costs) if costs else None}


def _pair(name: str, a: JSONObject | None, b: JSONObject | None) -> JSONObject:
    changes: list[Any] = []
    total = 0
    if a is not None and b is not None:
        found = diff_values(a["output"], b["output"])
        changes = list(islice(found, DIFFERENCES))
        total = len(changes) + sum(1 for _ in found)
    return {
        "name": name,
        "a": _side(a),
        "b": _side(b),
        "same_output": a is not None and b is not None and total == 0,
        "difference_count": total,
        "differences": [change.to_json() for change in changes],
    }


def _side(task: JSONObject | None) -> JSONObject | None:
    if task is None:
        return None
    text = json.dumps(task["output"], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGITS]
    return {**{key: task[key] for key in _EACH}, "output_digest": digest}
