"""Approvals, lists and child instances, on a real worker."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks_app.models import ExecutionRecord, Instance, Task
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.control.instances import pause_instance, resume_instance, retry_instance
from tasks_app.services.gates.approvals import approve, reject
from tasks_app.services.queries import instance_status
from tasks_app.services.workflows.definitions import upload_workflow
from tests.support.builders import a_task, a_workflow
from tests.support.effects import effects
from tests.support.engine import an_instance, assert_history_is_sound, task, wait_for_end
from tests.support.processes import QUICK, WorkerProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker
Start = Callable[..., WorkerProcess]


@pytest.fixture
def worker(shared_worker: Start) -> WorkerProcess:
    return shared_worker(env=QUICK)


def waits(instance: Instance, name: str, kind: str) -> None:
    wait_until(
        lambda: task(instance, name).wait_kind == kind, message=lambda: str(vars(task(instance, name)))
    )


def test_an_approved_task_goes_on_with_the_answer(worker: WorkerProcess) -> None:
    form = {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}
    instance = an_instance(
        a_task("first"),
        a_task(
            "deploy", run="echo", needs=["first"], size="{{ approval.values.size }}", by="{{ approval.by }}",
            also={"approval": {"by": ["lead"], "expires": "24h", "form": form}},
        ),
        a_task("after", needs=["deploy"]),
    )  # fmt: skip
    waits(instance, "deploy", "approval")
    (shown,) = [row for row in instance_status(instance.public_id).tasks if row.name == "deploy"]
    assert shown.waiting.kind == "approval"
    assert "lead" in shown.waiting.reason
    assert shown.waiting.until

    approve(given=instance.public_id, by="ann", groups=["lead"], comment="go", values={"size": 3})

    assert wait_for_end(instance).status == "completed"
    assert task(instance, "deploy").output == {"size": 3, "by": "ann"}
    assert ExecutionRecord.objects.filter(task__name="deploy").count() == 1
    assert_history_is_sound(instance)


def test_a_rejected_task_fails_and_rules_out_what_needs_it(worker: WorkerProcess) -> None:
    instance = an_instance(a_task("deploy", also={"approval": {}}), a_task("after", needs=["deploy"]))
    waits(instance, "deploy", "approval")

    reject(given=instance.public_id, task="deploy", by="ann", comment="not today")

    assert wait_for_end(instance).status == "failed"
    assert task(instance, "deploy").error_kind == "rejected"
    assert "ann" in instance.error_message
    assert "not today" in instance.error_message
    assert task(instance, "after").status == "skipped"
    assert not ExecutionRecord.objects.filter(task__instance=instance).exists()


def test_a_rejected_task_asks_again_when_it_is_retried(worker: WorkerProcess) -> None:
    instance = an_instance(a_task("deploy", also={"approval": {}}))
    waits(instance, "deploy", "approval")
    reject(given=instance.public_id, by="ann")
    wait_for_end(instance)

    retry_instance(given=instance.public_id)
    waits(instance, "deploy", "approval")
    approve(given=instance.public_id, by="ann")

    assert wait_for_end(instance).status == "completed"


@pytest.mark.parametrize(("default", "end"), [("approve", "completed"), ("reject", "failed")])
def test_silence_is_an_answer_when_the_time_is_up(worker: WorkerProcess, default: str, end: str) -> None:
    instance = an_instance(a_task("deploy", also={"approval": {"expires": "1s", "default": default}}))

    assert wait_for_end(instance).status == end


def test_a_list_runs_each_item_and_keeps_the_order(worker: WorkerProcess) -> None:
    instance = an_instance(
        a_task("list", run="echo", names=["a", "b", "c", "d", "e"]),
        a_task(
            "each", run="echo", needs=["list"], it="{{ item }}{{ index }}",
            also={"for_each": "{{ tasks.list.output.names }}"},
        ),
        a_task("join", run="echo", needs=["each"], all="{{ tasks.each.output }}"),
    )  # fmt: skip

    assert wait_for_end(instance).status == "completed"
    expected = [{"it": f"{name}{index}"} for index, name in enumerate("abcde")]
    assert task(instance, "join").output == {"all": expected}
    rows = instance_status(instance.public_id).tasks
    assert [row.name for row in rows if row.parent == "each"] == [f"each[{n}]" for n in range(5)]
    assert_history_is_sound(instance)


def test_no_more_items_run_at_once_than_may(worker: WorkerProcess) -> None:
    instance = an_instance(
        a_task("each", run="nap", seconds=0.1, also={"for_each": list(range(8)), "max_parallel": 2})
    )
    most = 0

    def ended() -> bool:
        nonlocal most
        active = Task.objects.filter(
            instance=instance, parent__isnull=False, status__in=["queued", "running"]
        )
        most = max(most, active.count())
        instance.refresh_from_db()
        return instance.status == "completed"

    wait_until(ended, timeout=30)
    assert most == 2


def test_a_failed_item_stops_the_rest_and_a_retry_does_only_what_is_left(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    done, tries = str(tmp_path / "done"), str(tmp_path / "tries")
    instance = an_instance(
        a_task("each", run="act_once_bad", path=done, tries=tries, item="{{ item }}",
               also={"for_each": ["good", "bad", "late"], "max_parallel": 1}),
        a_task("after", needs=["each"]),
    )  # fmt: skip

    assert wait_for_end(instance).status == "failed"
    assert task(instance, "each").error_kind == "item_failed"
    assert "each[1]" in task(instance, "each").error_message
    assert task(instance, "each[2]").status == "skipped"
    assert task(instance, "after").status == "skipped"

    retry_instance(given=instance.public_id)

    assert wait_for_end(instance).status == "completed"
    assert [effect.line for effect in effects(done)] == ["good", "bad", "late"]
    assert task(instance, "each").output == ["good", "bad", "late"]


def test_an_item_that_may_fail_leaves_a_gap(worker: WorkerProcess, tmp_path: Path) -> None:
    instance = an_instance(
        a_task("each", run="act_once_bad", path=str(tmp_path / "done"), tries=str(tmp_path / "tries"),
               item="{{ item }}", also={"for_each": ["good", "bad", "late"], "allow_failure": True}),
        a_task("after", needs=["each"]),
    )  # fmt: skip

    assert wait_for_end(instance).status == "completed"
    assert task(instance, "each").output == ["good", None, "late"]


@pytest.mark.parametrize("given", ["text", 5, {"a": 1}])
def test_what_is_no_list_fails_the_task(worker: WorkerProcess, given: object) -> None:
    instance = an_instance(
        a_task("list", run="echo", value=given),
        a_task("each", needs=["list"], also={"for_each": "{{ tasks.list.output.value }}"}),
    )

    assert wait_for_end(instance).status == "failed"
    assert task(instance, "each").error_kind == "bad_input"
    assert "for_each needs a list" in instance.error_message


def test_an_empty_list_completes_at_once(worker: WorkerProcess) -> None:
    instance = an_instance(a_task("each", also={"for_each": []}), a_task("after", needs=["each"]))

    assert wait_for_end(instance).status == "completed"
    assert task(instance, "each").output == []


def a_child(name: str, *tasks: dict[str, object], **more: object) -> None:
    upload_workflow(source=a_workflow(*tasks, name=name, **more).encode())


def a_start_of(workflow: str, name: str = "sub", **also: object) -> dict[str, object]:
    return {"name": name, "workflow": workflow, **also}


def test_a_child_s_final_outputs_are_the_task_s(worker: WorkerProcess) -> None:
    a_child(
        "inner", a_task("one", run="echo", got="{{ params.word }}"),
        a_task("two", run="echo", needs=["one"], got="{{ tasks.one.output.got }}!"), params={"word": "none"},
    )  # fmt: skip
    instance = an_instance(
        a_task("first", run="echo", word="hello"),
        a_start_of("inner", needs=["first"], **{"with": {"word": "{{ tasks.first.output.word }}"}}),
        a_task("after", run="echo", needs=["sub"], got="{{ tasks.sub.output.two.got }}"),
    )

    assert wait_for_end(instance).status == "completed"
    assert task(instance, "sub").output == {"two": {"got": "hello!"}}
    assert task(instance, "after").output == {"got": "hello!"}
    child = Instance.objects.get(parent_task=task(instance, "sub"))
    assert instance_status(child.public_id).parent_instance == instance.public_id


def test_a_failed_child_fails_the_task_and_goes_on_with_it(worker: WorkerProcess, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    a_child(
        "inner", a_task("kept", run="record_effect", path=str(tmp_path / "kept")),
        a_task("shaky", run="fail_at_first", needs=["kept"], path=log, times=1),
    )  # fmt: skip
    instance = an_instance(a_start_of("inner"))

    assert wait_for_end(instance).status == "failed"
    child = Instance.objects.get(parent_task=task(instance, "sub"))
    assert task(instance, "sub").error_kind == "child_failed"
    assert child.public_id in instance.error_message

    retry_instance(given=instance.public_id)

    assert wait_for_end(instance).status == "completed"
    assert len(effects(tmp_path / "kept")) == 1
    assert Instance.objects.filter(parent_task=task(instance, "sub")).count() == 1


@pytest.mark.parametrize(
    ("also", "kind"), [({"workflow": "nowhere"}, "not_found"), ({"with": {"wrong": 1}}, "invalid_params")]
)
def test_a_child_that_cannot_be_started_fails_the_task(
    worker: WorkerProcess, also: dict[str, object], kind: str
) -> None:
    a_child("inner", a_task("one"))
    instance = an_instance({**a_start_of("inner"), **also})

    assert wait_for_end(instance).status == "failed"
    assert task(instance, "sub").error_kind == kind


def test_workflows_that_start_one_another_end(worker: WorkerProcess) -> None:
    a_child("ping", a_start_of("pong"))
    a_child("pong", a_start_of("ping"))
    instance = an_instance(a_start_of("ping"))

    assert wait_for_end(instance).status == "failed"
    assert Instance.objects.count() == 10
    assert "At most 10 instances" in instance.error_message


def test_an_instance_that_would_wait_for_itself_fails(worker: WorkerProcess) -> None:
    a_child("ping", a_start_of("pong"), max_instances=1)
    a_child("pong", a_start_of("ping"))
    instance = an_instance(a_start_of("pong"), name="ping", max_instances=1)

    assert wait_for_end(instance).status == "failed"
    assert "it could never start" in instance.error_message


def test_cancelling_cancels_the_children_s_commands(worker: WorkerProcess) -> None:
    a_child("inner", a_task("long", run="shell_command", argv=["sleep", "600"]))
    a_child("middle", a_start_of("inner"))
    instance = an_instance(a_start_of("middle"))
    wait_until(worker.descendants, timeout=20)

    cancel_instance(given=instance.public_id, by="ann")

    # A sweep that sees the child's parent gone cancels it and its own children at the same time.
    wait_until(lambda: set(Instance.objects.values_list("status", flat=True)) == {"cancelled"}, timeout=5)
    wait_until(lambda: not worker.descendants(), timeout=20, message="the command to end")


def test_a_child_is_paused_and_resumed_with_its_parent(worker: WorkerProcess, tmp_path: Path) -> None:
    gate, log = tmp_path / "gate", tmp_path / "log"
    a_child(
        "inner", a_task("held", run="hold", path=str(gate), started=str(log)), a_task("after", needs=["held"])
    )
    instance = an_instance(a_start_of("inner"))
    wait_until(lambda: effects(log), timeout=20)
    child = Instance.objects.get(parent_task__instance=instance)

    pause_instance(given=instance.public_id, by="ann")
    child.refresh_from_db()
    assert child.status == "paused"
    gate.touch()
    wait_until(lambda: task(child, "held").status == "completed")
    assert task(child, "after").status == "pending"
    resume_instance(given=instance.public_id, by="ann")

    assert wait_for_end(instance).status == "completed"


def test_a_child_that_takes_longer_than_its_task_allows_is_cancelled(worker: WorkerProcess) -> None:
    a_child("inner", a_task("long", run="shell_command", argv=["sleep", "600"]))
    instance = an_instance(a_start_of("inner", timeout="1s"))

    assert wait_for_end(instance, timeout=20).status == "failed"
    assert "longer than its task" in instance.error_message


def test_a_list_may_start_an_instance_for_each_item(worker: WorkerProcess) -> None:
    a_child("inner", a_task("one", run="echo", got="{{ params.n }}"), params={"n": 0})
    instance = an_instance(
        a_start_of("inner", for_each=[1, 2, 3], max_parallel=2, **{"with": {"n": "{{ item }}"}})
    )

    assert wait_for_end(instance).status == "completed"
    assert task(instance, "sub").output == [{"one": {"got": n}} for n in (1, 2, 3)]
    assert Instance.objects.count() == 4
