"""What the builders build, and what they refuse."""

import pytest

from tasks_app.errors import InvalidWorkflow
from tasks_app.planning.definition.param_spec import ParamSpec
from tasks_app.sdk import RealtimeTaskBuilder, TaskBuilder, WorkflowBuilder
from tasks_app.services.lookup import fleet
from tests.unit.planning.builders import SmallCatalog, load, problems_of
from tests.unit.planning.definition.test_durable_keys import EVERY_KEY
from tests.unit.sdk.workflows import AnyFleet


def build(builder):
    return builder.build(catalog=SmallCatalog())


def refused(act):
    with pytest.raises(InvalidWorkflow) as refusal:
        act()
    return refusal.value.problems


def test_the_nightly_copy_is_built_as_it_would_be_read():
    extract = (
        TaskBuilder("extract", "Read the rows")
        .with_job_function("extract_data", {"source": "database", "table": "users", "limit": 1000})
        .with_timeout(60)
        .with_retry_count(3)
        .with_retry_interval(5)
        .with_compensation("extract_data", {"undo": "{{ output }}"})
    )
    load_task = (
        TaskBuilder("load", "Write the rows")
        .with_job_function("extract_data")
        .with_timeout(120)
        .with_dependencies("extract")
    )

    spec = build(
        WorkflowBuilder("nightly", "Copies users")
        .with_cron_expr("0 0 2 * * *")
        .with_params({"env": "production"})
        .with_task(extract)
        .with_task(load_task.build())
    )

    assert spec == load(
        """\
name: nightly
description: Copies users
schedule: 0 0 2 * * *
params: {env: production}
tasks:
  - name: extract
    description: Read the rows
    run: extract_data
    with: {source: database, table: users, limit: 1000}
    timeout: 60
    retry: {count: 3, interval: 5}
    compensate: {run: extract_data, with: {undo: "{{ output }}"}}
  - {name: load, description: Write the rows, run: extract_data, timeout: 120, needs: [extract]}
"""
    )


def test_a_stream_is_built_as_it_would_be_read():
    collect = (
        RealtimeTaskBuilder("collect", "Reads events")
        .with_continuous_mode()
        .with_buffer_size(1000)
        .with_flush_interval(1)
        .with_job_function("extract_data", {"topic": "events"})
    )

    spec = build(WorkflowBuilder("events", "").with_streaming_mode().with_realtime_task(collect))

    (task,) = spec.tasks
    assert task.is_continuous
    assert (task.buffer_size, task.flush_interval_seconds) == (1000, 1.0)
    assert task.arguments == {"topic": "events"}


def test_every_key_has_its_method():
    spec = build(
        WorkflowBuilder("all-keys")
        .with_params({"env": "production", "n": ParamSpec(type="integer")})
        .with_schedule(
            "0 0 2 * * *",
            timezone="Asia/Shanghai",
            overlap="queue",
            catchup="all",
            paused=True,
            params={"n": 4},
        )
        .with_max_parallel(20)
        .with_max_instances(5)
        .with_instance_timeout("2h")
        .with_on_failure("compensate")
        .with_task(TaskBuilder("list").with_job_function("extract_data").with_retry(3))
        .with_task(
            TaskBuilder("write")
            .with_job_function("extract_data", {"x": "{{ index }}: {{ item }}"})
            .with_dependencies("list")
            .with_retry(
                3, interval=5, backoff="linear", max_interval="1m", jitter=False, on=["timeout", "exit_code"]
            )
            .with_condition("{{ params.env == 'production' }}")
            .with_join(at_least=1)
            .with_for_each("{{ tasks.list.output.items }}", max_parallel=8)
            .with_compensation(
                "extract_data",
                {
                    "own": "{{ output }} {{ tasks.write.output }} {{ item }}",
                    "above": "{{ tasks.list.output }}",
                },
            )
            .with_approval(
                ["lead"], expires="24h", default="approve", form={"properties": {"why": {"type": "string"}}}
            )
        )
        .with_task(
            TaskBuilder("sub")
            .with_workflow("other-workflow", {"a": 1})
            .with_allow_failure()
            .with_join("all_done")
        )
        .with_realtime_task(
            RealtimeTaskBuilder("collect")
            .with_job_function("extract_data")
            .with_buffer_size(10)
            .with_flush_interval("500ms")
        )
    )

    assert spec == load(EVERY_KEY)


def test_what_is_said_twice_is_added_where_it_is_a_list():
    task = (
        TaskBuilder("a", "first")
        .with_description("second")
        .with_job_function("extract_data")
        .with_dependencies("b")
        .with_dependencies("c", "d")
        .with_requires("git")
        .with_requires("python")
        .with_tags("x")
        .with_tags("y")
        .with_priority("high")
        .build()
    )

    assert (task.needs, task.requires, task.tags) == (("b", "c", "d"), ("git", "python"), ("x", "y"))
    assert (task.description, task.priority) == ("second", 7)


def test_a_task_is_added_as_it_is_at_that_moment():
    task = TaskBuilder("a").with_job_function("extract_data")
    builder = WorkflowBuilder("w").with_task(task)

    task.with_timeout(5).with_dependencies("zz")

    assert build(builder).tasks[0].timeout_seconds is None


def test_a_new_cron_expression_keeps_the_rest_of_the_schedule():
    spec = build(
        WorkflowBuilder("w")
        .with_schedule("@daily", timezone="Asia/Shanghai")
        .with_cron_expr("@hourly")
        .with_task(TaskBuilder("a").with_job_function("extract_data"))
    )

    assert (spec.schedule.cron, spec.schedule.timezone) == ("@hourly", "Asia/Shanghai")


def test_tuples_are_lists():
    (task,) = build(
        WorkflowBuilder("w").with_task(
            TaskBuilder("a").with_job_function("extract_data", {"x": (1, 2)}).with_for_each(("a", "b"))
        )
    ).tasks

    assert (task.arguments, task.for_each) == ({"x": [1, 2]}, ["a", "b"])


def test_it_says_what_the_file_would_be_refused_with():
    builder = (
        WorkflowBuilder("Bad_Name")
        .with_on_failure("retry")
        .with_max_parallel(0)
        .with_task(TaskBuilder("a").with_job_function("extract_dat").with_dependencies("b", "zz"))
        .with_task(TaskBuilder("b").with_job_function("claude").with_dependencies("a").with_timeout(0))
        .with_task(TaskBuilder("b").with_job_function("extract_data", {"x": "{{ tasks.a.output }}"}))
    )

    found = refused(lambda: build(builder))

    from_file = problems_of(
        """\
name: Bad_Name
on_failure: retry
max_parallel: 0
tasks:
  - {name: a, run: extract_dat, needs: [b, zz]}
  - {name: b, run: claude, needs: [a], timeout: 0}
  - {name: b, run: extract_data, with: {x: "{{ tasks.a.output }}"}}
"""
    )
    assert {(each.path, each.message) for each in found} == {(each.path, each.message) for each in from_file}
    assert all(each.line is None and each.column is None for each in found)


def test_a_task_alone_says_what_can_be_told_without_its_workflow():
    nothing = refused(TaskBuilder("a").with_timeout(-1).build)
    alone = TaskBuilder("a").with_job_function("anything").with_dependencies("elsewhere").build()

    assert [(each.path, each.code) for each in nothing] == [("timeout", "bad_value"), ("", "missing_key")]
    assert alone.needs == ("elsewhere",)


def test_what_is_not_json_is_refused_with_its_place():
    builder = WorkflowBuilder("w").with_task(
        TaskBuilder("a").with_job_function("extract_data", {"x": {1, 2}})
    )

    (problem,) = refused(lambda: build(builder))

    assert problem.code == "not_json"
    assert problem.message == "tasks[0].with.x is of type set, which JSON does not have"


def test_a_single_text_is_no_list_of_texts():
    task = TaskBuilder("a").with_job_function("f").with_retry(3, on="timeout").with_approval("lead")

    assert [each.path for each in refused(task.build)] == ["retry.on", "approval.by"]


def test_a_streaming_workflow_must_have_a_stream():
    builder = WorkflowBuilder("w").with_streaming_mode()
    builder.with_task(TaskBuilder("a").with_job_function("extract_data"))

    (problem,) = refused(lambda: build(builder))

    assert (problem.code, problem.path) == ("no_stream", "tasks")


def test_without_a_catalog_the_workers_own_is_asked(monkeypatch):
    monkeypatch.setattr(fleet, "connected_fleet", AnyFleet)
    builder = WorkflowBuilder("w").with_task(TaskBuilder("a").with_job_function("unknown"))

    (problem,) = refused(builder.build)

    assert problem.code == "unknown_executor"
