"""What is stored of a definition on the row of its task, so that whoever works at it reads no other row."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, Required, TypedDict, cast

from tasks_app.outcomes import JSON
from tasks_app.states import Gate

if TYPE_CHECKING:  # its library is heavy, and most processes read no definition
    from tasks_app.planning.definition.task_spec import TaskSpec

CONTINUOUS: Final = "continuous"
_INHERITED: Final = ("with", "reads", "secrets", "foreign", "retry", "workflow", "approval")

# Not written as classes: ``with`` is a word of the language.
_With = TypedDict("_With", {"with": dict[str, JSON]})
_MaybeWith = TypedDict("_MaybeWith", {"with": dict[str, JSON]}, total=False)


class StoredApproval(TypedDict, total=False):
    """Who has to agree, until when, and what they are asked."""

    by: list[str]
    expires: float
    """Seconds."""
    default: Literal["reject", "approve"]
    form: dict[str, JSON]


class StoredCompensate(_MaybeWith):
    """What undoes the task."""

    run: str


class StoredBatch(TypedDict):
    """Which batch of which stream a run is for."""

    stream: str
    stream_id: int
    number: int


class StoredSpec(_With, total=False):
    """The keys of ``Task.spec``. Those that say nothing of a task are left out."""

    reads: Required[list[str]]
    """The tasks whose outputs its templates read."""
    secrets: list[str]
    """The params whose values nobody is shown."""
    foreign: dict[str, int]
    """Those of ``reads`` that are tasks of other instances, with their keys."""
    retry: dict[str, JSON]
    """As ``RetrySpec`` reads it."""
    gates: list[str]
    """What it has to pass, in order."""
    when: bool | str
    approval: StoredApproval
    for_each: str | list[JSON]
    max_parallel: int
    stream: str
    """The continuous task whose batches it takes."""
    workflow: str
    """The workflow that it starts."""
    compensate: StoredCompensate
    compensate_items: StoredCompensate
    """What undoes each of its items, or of its runs for batches."""
    mode: Literal["continuous"]
    buffer_size: int
    flush_interval: float
    """Seconds."""
    item: JSON
    index: int
    batch: StoredBatch


def stored_spec(
    *, task: "TaskSpec", secrets: Sequence[str], stream: str | None, foreign: Mapping[str, int]
) -> StoredSpec:
    """Return what is stored of a task that takes the batches of ``stream``, if of any."""
    stored = task.model_dump(
        mode="json",
        by_alias=True,
        exclude_defaults=True,
        include={"retry", "when", "for_each", "max_parallel", "approval", "compensate", "workflow"},
    )
    spec: StoredSpec = {"with": task.arguments, "reads": list(task.reads), **cast("StoredSpec", stored)}
    if (task.for_each is not None or stream is not None) and "compensate" in spec:
        # Items are what is done, so items are what is undone.
        spec["compensate_items"] = spec.pop("compensate")
    if secrets:
        spec["secrets"] = list(secrets)
    if read := {name: foreign[name] for name in task.reads if name in foreign}:
        spec["foreign"] = read
    if gates := gates_of(task=task, stream=stream):
        spec["gates"] = [str(gate) for gate in gates]
    if task.is_continuous:
        spec["mode"] = CONTINUOUS
        spec["buffer_size"] = task.buffer_size
        spec["flush_interval"] = task.flush_interval_seconds
    elif stream is not None:
        spec["stream"] = stream
    return spec


def gates_of(*, task: "TaskSpec", stream: str | None) -> list[Gate]:
    """Return the gates a task has to pass, in order."""
    wanted = {
        Gate.WHEN: task.when is not None,
        Gate.APPROVAL: task.approval is not None,
        Gate.ITEMS: task.for_each is not None,
        Gate.BATCHES: stream is not None,
        Gate.WORKFLOW: task.workflow is not None and task.for_each is None and stream is None,
    }
    return [gate for gate, is_wanted in wanted.items() if is_wanted]


def gate_after(*, spec: StoredSpec, gate: str) -> Gate:
    """Return the gate that follows one a task has passed; OPEN: it was the last."""
    later = spec["gates"][spec["gates"].index(gate) + 1 :]
    return Gate(later[0]) if later else Gate.OPEN


def item_spec(*, parent: StoredSpec, index: int, item: JSON) -> StoredSpec:
    """Return what is stored on an item of a list."""
    return {**_inherited(parent), "item": item, "index": index}


def run_spec(*, parent: StoredSpec, batch: StoredBatch) -> StoredSpec:
    """Return what is stored on the run of a stream's dependant for one batch."""
    return {**_inherited(parent), "batch": batch}


def _inherited(parent: StoredSpec) -> StoredSpec:
    spec = cast("StoredSpec", {key: value for key, value in parent.items() if key in _INHERITED})
    if "compensate_items" in parent:
        spec["compensate"] = parent["compensate_items"]
    if "workflow" in parent:
        spec["gates"] = [str(Gate.WORKFLOW)]
    return spec
