from cpds.base.view import plain
from tasks_app.planning.definition.output.diff import diff_definitions
from tasks_app.services.queries.views.workflows import change_view
from tests.unit.planning.builders import a_task, a_workflow


def changes(before, after):
    return [(each.kind, each.path, each.before, each.after) for each in diff_definitions(before, after)]


def test_a_workflow_is_not_different_from_itself():
    assert diff_definitions(a_workflow(), a_workflow(a_task("a", priority="normal"))) == []


def test_a_task_that_came_and_one_that_went_are_shown_whole():
    assert changes(a_workflow(a_task("a"), a_task("b")), a_workflow(a_task("a"), a_task("c d"))) == [
        ("removed", "tasks.b", {"name": "b", "run": "extract_data"}, None),
        ("added", "tasks['c d']", None, {"name": "c d", "run": "extract_data"}),
    ]


def test_a_change_is_named_to_the_last_key():
    before = a_task("a", timeout=60, retry=3, **{"with": {"x": {"y": 1}, "z": [1]}})
    after = a_task("a", needs=[], priority="high", retry={"count": 3, "on": ["timeout"]})
    after["with"] = {"x": {"y": True}, "z": [1, 2]}

    assert changes(a_workflow(before), a_workflow(after)) == [
        ("changed", "tasks.a.with.x.y", 1, True),
        ("changed", "tasks.a.with.z", [1], [1, 2]),
        ("removed", "tasks.a.timeout", 60.0, None),
        ("added", "tasks.a.retry.on", None, ["timeout"]),
        ("added", "tasks.a.priority", None, 7),
    ]


def test_the_keys_of_the_workflow_come_first():
    before = a_workflow(params={"n": 1}, schedule="@daily", description="x")
    after = a_workflow(params={"n": 2, "m": None}, schedule="@hourly", on_failure="continue")

    assert changes(before, after) == [
        ("removed", "description", "x", None),
        ("changed", "schedule.cron", "@daily", "@hourly"),
        ("changed", "params.n", 1, 2),
        ("added", "params.m", None, None),
        ("added", "on_failure", None, "continue"),
    ]


def test_a_new_default_timeout_is_one_change():
    before = a_workflow(a_task("a"), a_task("b", timeout=5), defaults={"timeout": 60})
    after = a_workflow(a_task("a"), a_task("b", timeout=5), defaults={"timeout": 90})

    assert changes(before, after) == [("changed", "defaults.timeout", 60.0, 90.0)]


def test_true_in_a_list_is_not_one():
    before = a_workflow(a_task("a", for_each=[1, {"x": 0}]))
    after = a_workflow(a_task("a", for_each=[True, {"x": False}]))

    assert [path for _, path, _, _ in changes(before, after)] == ["tasks.a.for_each"]


def test_a_new_order_of_the_same_tasks_is_said():
    a, b = a_task("a"), a_task("b")

    assert changes(a_workflow(a, b), a_workflow(b, a)) == [("changed", "tasks", ["a", "b"], ["b", "a"])]


def test_a_change_is_plain_json_for_machines():
    (change,) = diff_definitions(a_workflow(max_parallel=1), a_workflow(max_parallel=2))

    assert plain(change_view(change)) == {"kind": "changed", "path": "max_parallel", "before": 1, "after": 2}
