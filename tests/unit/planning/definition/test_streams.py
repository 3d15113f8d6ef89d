"""What may need a stream, and what a workflow with one must leave room for."""

import pytest

from tasks_app.planning.engine.shape import shapes
from tests.unit.planning.builders import load, problems_of

STREAM = "{name: s, run: extract_data, mode: continuous}"
RUN = "run: extract_data"


def a_source(*tasks: str, more: str = "") -> str:
    return f"name: streams\n{more}\ntasks:\n" + "".join(f"  - {task}\n" for task in (STREAM, *tasks))


@pytest.mark.parametrize(
    ("tasks", "path", "message"),
    [
        (
            [f"{{name: t, {RUN}, mode: continuous}}", f"{{name: d, {RUN}, needs: [s, t]}}"],
            "tasks[2].needs[1]",
            "one stream",
        ),
        ([f"{{name: d, {RUN}, needs: [s], mode: continuous}}"], "tasks[1].mode", "batches of another"),
        ([f"{{name: d, {RUN}, needs: [s], for_each: [1]}}"], "tasks[1].for_each", "once for each batch"),
        ([f"{{name: d, {RUN}, needs: [s], join: any}}"], "tasks[1].join", "all its needs"),
        (
            [f"{{name: d, {RUN}, needs: [s], when: '{{{{ tasks.s.output }}}}'}}"],
            "tasks[1].when",
            "before the first batch",
        ),
        (
            [f"{{name: d, {RUN}, needs: [s]}}", f"{{name: e, {RUN}, needs: [s, d]}}"],
            "tasks[2].needs[1]",
            "ends after the stream",
        ),
    ],
)  # fmt: skip
def test_what_cannot_take_batches_is_refused(tasks, path, message):
    [problem] = problems_of(a_source(*tasks))

    assert (problem.code, problem.path) == ("bad_combination", path)
    assert message in problem.message


def test_a_stream_must_leave_a_place_for_others():
    [problem] = problems_of(a_source(f"{{name: d, {RUN}, needs: [s]}}", more="max_parallel: 1"))

    assert (problem.path, problem.hint) == ("max_parallel", "expected at least 2")


def test_a_dependant_may_need_others_and_wait_for_approval():
    spec = load(
        a_source(
            f"{{name: a, {RUN}}}",
            f"{{name: d, {RUN}, needs: [s, a], join: all, approval: {{}}, when: true}}",
            f"{{name: e, {RUN}, needs: [d]}}",
            more="max_parallel: 2",
        )
    )

    assert [task.is_continuous for task in spec.tasks] == [True, False, False, False]


def test_a_dependant_begins_a_line_of_its_own():
    shape_of = shapes({"s": [], "d": ["s"], "e": ["d"]}, apart=["d"])

    assert (shape_of["s"].meets, shape_of["d"].stage_position, shape_of["e"].stage_position) == (None, 0, 1)
    assert shape_of["s"].stage != shape_of["d"].stage == shape_of["e"].stage
