import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.errors import InvalidWorkflow
from tests.unit.planning.builders import NIGHTLY, load, problems_of, tasks_text


def only(source):
    (problem,) = problems_of(source)
    return problem


def test_a_good_workflow_is_accepted():
    spec = load(NIGHTLY)

    assert [
        (task.name, task.needs, task.priority, task.timeout_seconds, task.reads) for task in spec.tasks
    ] == [
        ("extract", (), 7, 60.0, ()),
        ("总结", ("extract",), 5, 60.0, ("extract",)),
    ]


def test_bytes_and_text_give_the_same_workflow():
    assert load(NIGHTLY.encode()) == load(NIGHTLY)


def test_every_problem_is_reported_at_once_in_the_order_of_the_text():
    found = problems_of(
        """\
name: Bad_Name
descripton: x
params:
  limit: {type: integer, default: abc}
  n: .inf
defaults: {timeout: -5}
tasks:
  - name: a
    run: claud
    depends_on: [b]
    timeout: 10s; rm
  - name: b
    run: claude
    needs: [zz, b]
    with: {x: "{{ tasks.c.output }} {{ params.limt }} {{ foo }}", y: "{{ 1 +", z: *q}
  - name: c
    run: extract_data
    priority: urgent
    name: c
  - run: extract_data
  - hello
"""
    )

    assert [(problem.line, problem.path) for problem in found] == [
        (1, "name"),
        (2, "descripton"),
        (4, "params.limit"),
        (5, "params.n"),
        (6, "defaults.timeout"),
        (9, "tasks[0].run"),
        (10, "tasks[0].depends_on"),
        (11, "tasks[0].timeout"),
        (14, "tasks[1].needs[0]"),
        (14, "tasks[1].needs[1]"),
        (15, "tasks[1].with.x"),
        (15, "tasks[1].with.x"),
        (15, "tasks[1].with.x"),
        (15, "tasks[1].with.y"),
        (15, "tasks[1].with.z"),
        (18, "tasks[2].priority"),
        (19, "tasks[2].name"),
        (20, "tasks[3]"),
        (21, "tasks[4]"),
    ]
    assert all(problem.column for problem in found)


@pytest.mark.parametrize(
    ("task", "path", "message", "hint"),
    [
        (
            "name: a, run: extract_dat",
            "run",
            "no executor or function 'extract_dat'",
            "did you mean 'extract_data'?",
        ),
        ("name: a, run: extract_data, depend_on: []", "depend_on", "unknown key", "did you mean 'needs'?"),
        ("name: a, run: extract_data, prioriti: 1", "prioriti", "unknown key", "did you mean 'priority'?"),
        ("name: a, run: extract_data, needs: b", "needs", "expected a list, found text 'b'", "write [b]"),
        ("name: 5, run: extract_data", "name", "expected text, found 5", "put it in quotes"),
        ("name: a, run: extract_data, tags: [on, 5]", "tags[1]", "expected text, found 5", "quotes"),
        ("name: a, run: extract_data, with: [1]", "with", "expected a mapping, found a list of 1", ""),
        ("name: a, run: extract_data, timeout: 0", "timeout", "must be more than zero, found 0", ""),
        ("name: a, run: extract_data, timeout: true", "timeout", "found true", ""),
        ("name: a, run: extract_data, timeout: 1e308", "timeout", "at most 366 days", ""),
        ("name: a, run: extract_data, requires: [Py]", "requires[0]", "expected a word", ""),
        ("name: a, run: extract_data, priority: 10", "priority", "0 to 9, found 10", ""),
        ("name: a, run: extract_data, needs: [a]", "needs[0]", "task 'a' needs itself", "remove"),
        ("name: ' a', run: extract_data", "name", "no space at either end", ""),
        (
            "name: a, run: extract_data, description: ~",
            "description",
            "expected text, found nothing",
            "leave the key out",
        ),
        ("name: a, run: claude, with: {}", "with.prompt", "a prompt is required", "add prompt"),
        ("name: a, run: claude, with: {prompt: 5}", "with.prompt", "expected text", ""),
        ("name: a, run: extract_data, with: {x: '{{ 1 + }}'}", "with.x", "the template cannot be read", ""),
        (
            "name: a, run: extract_data, with: {x: '{{ parms.y }}'}",
            "with.x",
            "names 'parms'",
            "did you mean 'params'?",
        ),
        ("name: a, run: extract_data, with: {x: '{{ env.ANTHROPIC_API_KEY }}'}", "with.x", "names 'env'", ""),
        (
            "name: a, run: extract_data, with: {x: '{{ params.y }}'}",
            "with.x",
            "'y', which is not declared",
            "declare",
        ),
        ("name: a, run: extract_data, with: {x: '{{ tasks.b.output }}'}", "with.x", "reads task 'b'", ""),
        ("name: a, run: extract_data, with: {x: '{{ tasks.a.output }}'}", "with.x", "its own task", ""),
        (
            "name: a, run: extract_data, with: {x: '{{ tasks[params].output }}'}",
            "with.x",
            "may not be computed",
            "",
        ),
    ],
)
def test_one_mistake_gives_one_sentence_and_a_hint(task, path, message, hint):
    problem = only(tasks_text(task))

    assert problem.line == 3
    assert problem.path == f"tasks[0].{path}"
    assert message in problem.message
    assert hint in problem.hint


def test_a_missing_key_is_reported_at_its_task():
    problem = only(tasks_text("run: extract_data"))

    assert (problem.line, problem.column, problem.path) == (3, 3, "tasks[0]")
    assert problem.message == "'name' is missing"


def test_a_wrong_value_points_at_the_value_and_a_wrong_key_at_the_key():
    wrong_value, wrong_key = problems_of(tasks_text("name: a, run: extract_data, priority: x, prio: y"))

    assert (wrong_value.column, wrong_key.column) == (42, 45)


def test_a_repeated_task_name_is_refused():
    problem = only(tasks_text("name: a, run: extract_data", "name: a, run: extract_data"))

    assert (problem.code, problem.line, problem.path) == ("duplicate_task", 4, "tasks[1].name")


def test_names_that_look_alike_are_one_name():
    problem = only(tasks_text("name: é, run: extract_data", "name: e\u0301, run: extract_data"))

    assert problem.code == "duplicate_task"


def test_a_need_is_found_however_its_accents_are_encoded():
    spec = load(tasks_text("name: é, run: extract_data", "name: b, run: extract_data, needs: [e\u0301]"))

    assert spec.tasks[1].needs == ("é",)


def test_an_unknown_dependency_is_named_with_a_guess():
    problem = only(
        tasks_text("name: extract, run: extract_data", "name: b, run: extract_data, needs: [extrct]")
    )

    assert (problem.code, problem.path, problem.hint) == (
        "unknown_task",
        "tasks[1].needs[0]",
        "did you mean 'extract'?",
    )


def test_a_repeated_need_is_refused():
    problem = only(tasks_text("name: a, run: extract_data", "name: b, run: extract_data, needs: [a, a]"))

    assert (problem.code, problem.path) == ("duplicate_need", "tasks[1].needs[1]")


def test_it_refuses_a_cycle_and_names_it_whole():
    problem = only(
        tasks_text(
            "name: a, run: extract_data, needs: [b]",
            "name: b, run: extract_data, needs: [c]",
            "name: c, run: extract_data, needs: [a]",
            "name: d, run: extract_data, needs: [c]",
        )
    )

    assert (problem.code, problem.line, problem.path) == ("cycle", 3, "tasks[0].needs")
    assert problem.message.endswith("a -> b -> c -> a")


def test_each_cycle_is_reported():
    pairs = [("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")]

    found = problems_of(
        tasks_text(*(f"name: {name}, run: extract_data, needs: [{need}]" for name, need in pairs))
    )

    assert [problem.message.split(": ")[1] for problem in found] == ["a -> b -> a", "c -> d -> c"]


def test_a_template_may_read_any_task_upstream():
    load(
        tasks_text(
            "name: a, run: extract_data",
            "name: b, run: extract_data, needs: [a]",
            "name: c, run: extract_data, needs: [b], with: {x: '{{ tasks.a.output }}'}",
        )
    )


def test_a_template_may_not_read_a_task_beside_it():
    problem = only(
        tasks_text(
            "name: a, run: extract_data", "name: b, run: extract_data, with: {x: '{{ tasks.a.output }}'}"
        )
    )

    assert (problem.code, problem.hint) == ("not_upstream", "add 'a' to needs")


@pytest.mark.parametrize(
    ("param", "message"),
    [
        (
            "{type: integer, default: abc}",
            "the default does not fit: expected a whole number, found text 'abc'",
        ),
        ("{type: integer, default: true}", "expected a whole number, found true"),
        ("{type: integer, default: 0, minimum: 1}", "expected at least 1, found 0"),
        ("{type: integer, minimum: 5, maximum: 1}", "minimum 5 is more than maximum 1"),
        ("{type: text}", "expected 'string', 'integer'"),
        ("{type: string, enum: [1]}", "enum has 1, which is not text"),
        ("{type: string, enum: [a], default: b}", 'expected one of "a", found text'),
        ("{required: true, default: 5}", "has no use for a default"),
        ("{type: string, secret: true, default: x}", "a secret may not stand in the workflow"),
    ],
)
def test_a_parameter_that_contradicts_itself_is_refused(param, message):
    problem = only(f"name: w\nparams:\n  p: {param}\ntasks: [{{name: a, run: extract_data}}]\n")

    assert problem.line == 3
    assert problem.path.startswith("params.p")
    assert message in problem.message


def test_a_mapping_that_declares_nothing_is_a_plain_default():
    spec = load(
        "name: w\n"
        "params: {p: {type: integer, size: 5}, q: {default: 5}}\n"
        "tasks: [{name: a, run: extract_data}]"
    )

    assert spec.params["p"].default == {"type": "integer", "size": 5}
    assert spec.params["q"].default == {"default": 5}


def test_no_tasks_are_refused():
    assert only("name: w\ntasks: []").message == "expected 1 to 10,000 tasks, found 0"


def test_too_many_tasks_are_refused_with_one_problem():
    problem = only("name: w\ntasks:\n" + "- x: 1\n" * 10_001)

    assert "found 10,001" in problem.message


def test_too_many_needs_are_refused():
    names = [f"t{number}" for number in range(250)]
    lines = [f"name: {name}, run: extract_data, needs: [{', '.join(names)}]" for name in names]

    assert only(tasks_text(*lines)).code == "too_many_needs"


def test_a_cycle_of_ten_thousand_is_named_whole():
    size = 10_000
    text = tasks_text(
        *(f"name: t{place}, run: extract_data, needs: [t{(place + 1) % size}]" for place in range(size))
    )

    assert only(text).message.count("->") == size


def test_ten_thousand_tasks_with_templates_are_read():
    reading = "with: {{a: '{{{{ tasks.t{}.output }}}}'}}"
    lines = ["name: t0, run: extract_data"]
    lines += [
        f"name: t{place}, run: extract_data, needs: [t{place - 1}], {reading.format(place // 2)}"
        for place in range(1, 10_000)
    ]

    spec = load(tasks_text(*lines))

    assert len(spec.tasks) == 10_000


@pytest.mark.parametrize("known", ["needs: [zz%d]", "with: {x: '{{ params.p%d }}'}", "k%d: 1"])
def test_ten_thousand_mistakes_are_reported(known):
    found = problems_of(
        tasks_text(*(f"name: t{place}, run: extract_data, {known % place}" for place in range(10_000)))
    )

    assert len(found) == 10_000


def accepted_or_refused(source):
    with suppress(InvalidWorkflow):
        load(source)


@given(st.binary() | st.text())
def test_anything_is_a_workflow_or_is_refused(source):
    accepted_or_refused(source)


WORDS = (
    "name tasks needs run with params defaults timeout type required default secret enum minimum a b "
    "&x *x !!str ? - : , [ ] { } ' \" {{ }} | > # 1 .inf null true <<"
)


@given(st.lists(st.sampled_from([*WORDS.split(), "\n", "\n  ", " "]), max_size=40).map(" ".join))
def test_anything_that_looks_like_yaml_is_a_workflow_or_is_refused(source):
    accepted_or_refused(source)


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["{{ tasks.a }}", "a", "extract_data", "claude"]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "tasks",
                    "needs",
                    "run",
                    "with",
                    "params",
                    "defaults",
                    "timeout",
                    "type",
                    "default",
                    "required",
                    "enum",
                    "minimum",
                ]
            ),
            children,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(
    st.dictionaries(st.sampled_from(["name", "tasks", "params", "defaults", "x"]), ODD),
    st.lists(ODD, max_size=3),
)
def test_any_shape_is_a_workflow_or_is_refused(top, tasks):
    accepted_or_refused(json.dumps({"name": "w", **top}))
    accepted_or_refused(json.dumps({"name": "w", "tasks": tasks}))
