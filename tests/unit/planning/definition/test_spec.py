import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks_app.planning.definition.spec import WorkflowSpec
from tests.unit.planning.builders import a_task, a_workflow

NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["type", "required", "default"]), children, max_size=3
        )
    ),
    max_leaves=8,
)
TASKS = st.fixed_dictionaries(
    {"name": NAMES, "run": st.sampled_from(["claude", "f"])},
    optional={
        "description": st.text(max_size=20),
        "with": st.dictionaries(st.text(max_size=5), VALUES, max_size=3),
        "needs": st.lists(NAMES, max_size=3),
        "priority": st.sampled_from(["low", "normal", "high", "critical", 0, 9]),
        "requires": st.lists(st.sampled_from(["git", "python-3.11"]), max_size=2),
        "tags": st.lists(st.text(min_size=1, max_size=5), max_size=2),
        "timeout": st.sampled_from([1, 0.5, "30s", "1h30m"]),
    },
)
PARAMS = st.dictionaries(
    st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    VALUES
    | st.just({"type": "integer", "default": 5, "minimum": 1, "maximum": 9})
    | st.just({"type": "string", "secret": True})
    | st.just({"type": "string", "default": None})
    | st.just({"required": True, "enum": [1, "a", None]}),
    max_size=4,
)
WORKFLOWS = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True),
        "tasks": st.lists(TASKS, min_size=1, max_size=4),
    },
    optional={
        "params": PARAMS,
        "description": st.text(max_size=20),
        "defaults": st.fixed_dictionaries({}, optional={"timeout": st.just("2m")}),
    },
)


@given(WORKFLOWS)
def test_the_definition_is_read_back_as_the_same_workflow(written):
    try:
        spec = WorkflowSpec.from_json(written)
    except ValidationError:
        return  # a drawn parameter contradicts itself

    again = WorkflowSpec.from_json(spec.to_json())

    assert again == spec
    assert again.to_json() == spec.to_json()
    assert again.digest() == spec.digest()
    assert [param.has_default for param in again.params.values()] == [
        param.has_default for param in spec.params.values()
    ]


def test_what_is_left_out_has_its_default():
    (task,) = a_workflow(a_task("a")).tasks

    assert (task.priority, task.needs, task.requires, task.tags, task.arguments) == (5, (), (), (), {})
    assert task.timeout_seconds is None


def test_a_timeout_falls_back_to_the_default_of_the_workflow():
    own, other = a_workflow(a_task("a", timeout="5m"), a_task("b"), defaults={"timeout": "1m"}).tasks

    assert (own.timeout_seconds, other.timeout_seconds) == (300, 60)


def test_the_canonical_definition_has_numbers_for_words():
    definition = a_workflow(a_task("a", priority="high", timeout="1h30m")).to_json()

    assert definition["tasks"] == [{"name": "a", "run": "extract_data", "priority": 7, "timeout": 5400.0}]


def test_layout_does_not_change_the_digest_and_meaning_does():
    plain = a_workflow({"name": "a", "run": "f", "timeout": "60s"})

    assert (
        plain.digest() == a_workflow({"timeout": 60, "priority": "normal", "run": "f", "name": "a"}).digest()
    )
    assert plain.digest() != a_workflow({"name": "a", "run": "f", "timeout": 61}).digest()


def test_a_task_knows_what_it_reads():
    (task,) = a_workflow(
        a_task("a", **{"with": {"x": ["{{ tasks.c.output }}", "{{ tasks['b'].output }}"]}})
    ).tasks

    assert task.reads == ("b", "c")


def test_a_workflow_cannot_be_changed():
    spec = a_workflow()

    with pytest.raises(ValidationError):
        spec.name = "other"


@pytest.mark.parametrize(
    "name", ["", "x" * 201, " a", "a ", "a\nb", "a\x00", "\u202eabc", "a\u200bb", "a\u2028b", "\ud800"]
)
def test_a_task_name_that_misleads_is_refused(name):
    with pytest.raises(ValidationError):
        a_workflow(a_task(name))


@pytest.mark.parametrize("name", ["提取数据", "extract rows", "a/b", "👩‍💻", "x" * 200, "../x"])
def test_a_task_name_is_any_readable_text(name):
    assert a_workflow(a_task(name)).tasks[0].name == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a" * 65, "a\n", "é"])
def test_a_workflow_name_is_a_plain_word(name):
    with pytest.raises(ValidationError):
        WorkflowSpec.from_json({"name": name, "tasks": [a_task("a")]})


@pytest.mark.parametrize("priority", [-1, 10, "urgent", True, 5.0, None, "5"])
def test_a_priority_is_a_word_or_a_digit(priority):
    with pytest.raises(ValidationError):
        a_workflow(a_task("a", priority=priority))
