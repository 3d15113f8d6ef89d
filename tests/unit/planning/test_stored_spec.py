"""What is stored of a task has the keys that are declared for it, with the types that are declared."""

from typing import Any, get_type_hints, is_typeddict

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from tasks_app.planning.definition.approval_spec import ApprovalSpec
from tasks_app.planning.definition.compensate_spec import CompensateSpec
from tasks_app.planning.definition.task_spec import TaskSpec
from tasks_app.planning.engine.compensation import undo_spec
from tasks_app.planning.values.stored_spec import (
    StoredApproval,
    StoredCompensate,
    StoredSpec,
    gate_after,
    item_spec,
    run_spec,
    stored_spec,
)
from tests.support.builders import a_task

RETRY = {"count": 3, "interval": "2s", "on": ["timeout"]}
APPROVAL = {
    "by": ["ann"],
    "expires": "1h",
    "default": "approve",
    "form": {"type": "object", "properties": {"size": {"type": "integer"}}},
}
UNDO = {"run": "echo", "with": {"word": "{{ output }} of {{ tasks.other.output }}"}}
BATCH = {"stream": "numbers", "stream_id": 7, "number": 1}


def stored(*, stream=None, secrets=(), foreign=None, run="noop", **also):
    task = a_task("a", also={"with": {"x": "{{ tasks.other.output }}"}, **also}, run=run)
    if run is None:
        del task["run"]
    return stored_spec(
        task=TaskSpec.model_validate(task), secrets=list(secrets), stream=stream, foreign=foreign or {}
    )


LIST = stored(for_each="{{ params.list }}", max_parallel=2, compensate=UNDO, retry=RETRY, approval=APPROVAL)
CONSUMER = stored(stream="numbers", compensate=UNDO, retry=2)
CHILDREN = stored(run=None, workflow="child", for_each=[1, 2], secrets=["key"], foreign={"other": 3})
ITEM = item_spec(parent=LIST, index=0, item={"any": ["value"]})
RUN = run_spec(parent=CONSUMER, batch=BATCH)
WRITTEN = {
    "with the least": stored(),
    "with a condition": stored(when="{{ params.yes }}"),
    "with a condition that is a value": stored(when=False),
    "with all that a plain task may have": stored(
        when=True,
        compensate=UNDO,
        retry=RETRY,
        approval=APPROVAL,
        secrets=["key"],
        foreign={"other": 3, "b": 4},
    ),
    "with an approval that says nothing": stored(approval={}),
    "with an undo that is given nothing": stored(compensate={"run": "echo"}),
    "of a stream": stored(mode="continuous", buffer_size=5, flush_interval="2s"),
    "of a child": stored(run=None, workflow="child"),
    "of a list": LIST,
    "of a list of children": CHILDREN,
    "of a consumer": CONSUMER,
    "of an item": ITEM,
    "of an item that is a child": item_spec(parent=CHILDREN, index=1, item=None),
    "of a run": RUN,
    "of an undo": undo_spec(stored(compensate=UNDO, retry=RETRY)),
    "of an undo of an item": undo_spec(ITEM),
    "of an undo of a run": undo_spec(RUN),
}


def model_of(shape: Any) -> type[BaseModel]:
    """Return a model that takes exactly what a ``TypedDict`` declares."""
    fields = {
        key: (
            model_of(kind) if is_typeddict(kind) else kind,
            ... if key in shape.__required_keys__ else None,
        )
        for key, kind in get_type_hints(shape).items()
    }
    config = ConfigDict(extra="forbid", strict=True)
    return create_model(shape.__name__, __config__=config, **fields)


Declared = model_of(StoredSpec)


@pytest.mark.parametrize("spec", WRITTEN.values(), ids=WRITTEN)
def test_what_is_written_is_what_is_declared(spec):
    Declared.model_validate(spec)


@pytest.mark.parametrize(
    "wrong",
    [{"gate": []}, {"index": "0"}, {"mode": "once"}, {"batch": {"stream": "a"}}, {"approval": {"who": []}}],
)
def test_what_is_not_declared_is_told(wrong):
    with pytest.raises(ValidationError):
        Declared.model_validate({**stored(), **wrong})


def test_every_declared_key_is_written():
    assert {key for spec in WRITTEN.values() for key in spec} == get_type_hints(StoredSpec).keys()


@pytest.mark.parametrize(
    ("shape", "model"), [(StoredApproval, ApprovalSpec), (StoredCompensate, CompensateSpec)]
)
def test_a_nested_shape_has_the_keys_of_its_definition(shape, model):
    assert get_type_hints(shape).keys() == {field.alias or name for name, field in model.model_fields.items()}


def test_what_says_nothing_is_left_out():
    assert stored() == {"with": {"x": "{{ tasks.other.output }}"}, "reads": ["other"]}


def test_only_what_is_read_of_other_instances_is_kept():
    assert stored(foreign={"other": 3, "unread": 4})["foreign"] == {"other": 3}


def test_a_list_is_undone_item_by_item():
    assert "compensate" not in LIST
    assert LIST["compensate_items"] == ITEM["compensate"] == UNDO
    assert undo_spec(ITEM) == {
        "with": UNDO["with"],
        "reads": ["other"],
        "retry": LIST["retry"],
        "item": {"any": ["value"]},
        "index": 0,
    }


def test_an_item_has_all_that_an_attempt_at_it_needs():
    assert item_spec(parent=CHILDREN, index=1, item=None) == {
        "with": CHILDREN["with"],
        "reads": ["other"],
        "secrets": ["key"],
        "foreign": {"other": 3},
        "workflow": "child",
        "gates": ["workflow"],
        "item": None,
        "index": 1,
    }
    assert ITEM.keys() == {"with", "reads", "retry", "approval", "compensate", "item", "index"}


def test_a_run_and_its_undo_know_their_batch():
    assert RUN.keys() == {"with", "reads", "retry", "compensate", "batch"}
    assert RUN["batch"] == undo_spec(RUN)["batch"] == BATCH


def test_a_stream_has_its_buffer_and_its_dependant_the_name_of_it():
    stream = stored(mode="continuous", buffer_size=5, flush_interval="2s")
    assert {**stored(), "mode": "continuous", "buffer_size": 5, "flush_interval": 2.0} == stream
    assert CONSUMER["stream"] == "numbers"


def test_the_gates_of_a_list_are_not_those_of_its_items():
    assert LIST["gates"] == ["approval", "items"]
    assert "gates" not in ITEM
    assert CHILDREN["gates"] == ["items"]
    assert item_spec(parent=CHILDREN, index=0, item=1)["gates"] == ["workflow"]


def test_after_the_last_gate_the_way_is_open():
    assert gate_after(spec=LIST, gate="approval") == "items"
    assert gate_after(spec=LIST, gate="items") == ""
