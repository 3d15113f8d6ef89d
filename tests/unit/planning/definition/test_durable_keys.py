"""The keys for failure, control and time: what is accepted, and what is refused with which sentence."""

import pytest
from pydantic import ValidationError

from tasks_app.planning.definition.spec import JoinSpec, RetrySpec, WorkflowSpec
from tests.unit.planning.builders import a_task, a_workflow, load, problems_of, tasks_text

DIGEST = "6e2ce668afee67c9f67788e02519f4fa233150ac737006dfc3515791dd1ce50b"
EVERY_KEY = """\
name: all-keys
params: {env: production, n: {type: integer}}
schedule:
  {cron: 0 0 2 * * *, timezone: Asia/Shanghai, overlap: queue, catchup: all, paused: true, params: {n: 4}}
max_parallel: 20
max_instances: 5
timeout: 2h
on_failure: compensate
tasks:
  - {name: list, run: extract_data, retry: 3}
  - name: write
    run: extract_data
    needs: [list]
    retry: {count: 3, interval: 5, backoff: linear, max_interval: 1m, jitter: false, on: [timeout, exit_code]}
    when: "{{ params.env == 'production' }}"
    join: {at_least: 1}
    for_each: "{{ tasks.list.output.items }}"
    with: {x: "{{ index }}: {{ item }}"}
    max_parallel: 8
    compensate:
      run: extract_data
      with: {own: "{{ output }} {{ tasks.write.output }} {{ item }}", above: "{{ tasks.list.output }}"}
    approval: {by: [lead], expires: 24h, default: approve, form: {properties: {why: {type: string}}}}
  - {name: sub, workflow: other-workflow, with: {a: 1}, allow_failure: true, join: all_done}
  - {name: collect, run: extract_data, mode: continuous, buffer_size: 10, flush_interval: 500ms}
"""


def only(source):
    (problem,) = problems_of(source)
    return problem


def test_every_key_is_read():
    spec = load(EVERY_KEY)
    _, write, sub, collect = spec.tasks

    assert (spec.max_parallel, spec.max_instances, spec.timeout_seconds) == (20, 5, 7200)
    assert spec.on_failure == "compensate"
    assert spec.schedule.model_dump() == {
        "cron": "0 0 2 * * *",
        "timezone": "Asia/Shanghai",
        "overlap": "queue",
        "catchup": "all",
        "paused": True,
        "params": {"n": 4},
    }
    assert write.retry.model_dump() == {
        "count": 3,
        "interval": 5.0,
        "backoff": "linear",
        "max_interval": 60.0,
        "jitter": False,
        "on": ("timeout", "exit_code"),
    }
    assert (write.join.mode, write.join.count, write.max_parallel) == ("at_least", 1, 8)
    assert (write.approval.by, write.approval.expires_seconds) == (("lead",), 86_400)
    assert write.approval.default == "approve"
    assert write.compensate.run == "extract_data"
    assert (sub.run, sub.workflow, sub.allow_failure) == (None, "other-workflow", True)
    assert (collect.is_continuous, collect.buffer_size, collect.flush_interval_seconds) == (True, 10, 0.5)


def test_every_key_is_kept_in_the_canonical_definition():
    spec = load(EVERY_KEY)

    again = WorkflowSpec.from_json(spec.to_json())

    assert again == spec
    assert again.digest() == spec.digest()


def test_the_new_keys_are_at_rest_when_nobody_sets_them():
    spec = a_workflow()
    (task,) = spec.tasks

    assert (spec.schedule, spec.max_parallel, spec.max_instances) == (None, None, None)
    assert (spec.timeout_seconds, spec.on_failure) == (None, "stop")
    assert (task.join, task.retry, task.when, task.for_each) == (JoinSpec(), None, None, None)
    assert (task.mode, task.buffer_size, task.flush_interval_seconds) == ("once", 1000, 1.0)


def test_the_digest_of_a_definition_without_the_new_keys_is_what_it_was():
    written = {
        "name": "w",
        "params": {"n": 3, "s": {"type": "string", "secret": True}},
        "defaults": {"timeout": "1m"},
        "tasks": [
            {"name": "a", "run": "f", "priority": "high", "requires": ["git"]},
            {"name": "b", "run": "f", "needs": ["a"], "with": {"x": "{{ tasks.a.output }}"}, "timeout": 5},
        ],
    }

    assert WorkflowSpec.from_json(written).digest() == DIGEST


def test_saying_a_default_does_not_change_the_digest():
    said = a_task("a", join="all", mode="once", allow_failure=False, buffer_size=1000, retry=None)

    assert a_workflow(said, on_failure="stop").digest() == a_workflow(a_task("a")).digest()


def test_a_plain_number_is_the_count_of_retries():
    assert a_workflow(a_task("a", retry=3)).tasks[0].retry == RetrySpec(count=3)


def test_a_plain_text_is_the_cron_of_the_schedule():
    schedule = a_workflow(schedule=" 0 2 *  * * ").schedule

    assert (schedule.cron, schedule.timezone, schedule.overlap) == ("0 2 * * *", "UTC", "skip")
    assert (schedule.catchup, schedule.paused, schedule.params) == ("latest", False, {})


def test_the_default_timeout_is_not_for_tasks_that_are_not_meant_to_end():
    once, stream = a_workflow(a_task("a"), a_task("b", mode="continuous"), defaults={"timeout": "1m"}).tasks

    assert (once.timeout_seconds, stream.timeout_seconds) == (60, None)


def test_a_task_reads_what_any_of_its_templates_name():
    (task,) = a_workflow(
        a_task(
            "a",
            when="{{ tasks.b.output }}",
            for_each="{{ tasks.c.output }}",
            compensate={"run": "f", "with": {"x": "{{ tasks.d.output }}{{ tasks.a.output }}"}},
            **{"with": {"x": "{{ tasks.e.output }}"}},
        )
    ).tasks

    assert task.reads == ("b", "c", "d", "e")


@pytest.mark.parametrize(
    "when", [True, False, "yes", "{{ params }}", "{% if true %}yes{% endif %}", "{{ 1 }}{{ 2 }}", ""]
)
def test_a_condition_is_a_literal_or_a_template(when):
    assert a_workflow(a_task("a", when=when)).tasks[0].when == when


@pytest.mark.parametrize("items", [[], [1, "a", {"b": None}], ["{{ instance.id }}"]])
def test_the_items_may_be_written_out(items):
    assert a_workflow(a_task("a", for_each=items)).tasks[0].for_each == items


def test_space_around_the_expression_of_the_items_is_no_matter():
    assert a_workflow(a_task("a", for_each=" {{ instance.id }}\n")).tasks[0].for_each == "{{ instance.id }}"


@pytest.mark.parametrize(
    ("keys", "path", "message"),
    [
        ("retry: -1", "retry", "a whole number 0 to 100, found -1"),
        ("retry: 101", "retry", "a whole number 0 to 100, found 101"),
        ("retry: 1000000000", "retry", "a whole number 0 to 100"),
        ("retry: true", "retry", "expected a mapping, found true"),
        ("retry: '3'", "retry", "expected a mapping, found text '3'"),
        ("retry: {interval: 5}", "retry", "'count' is missing"),
        ("retry: {count: 1, interval: 0}", "retry.interval", "more than zero"),
        ("retry: {count: 1, interval: 10m}", "retry", "10m00s is longer than max_interval 5m00s"),
        ("retry: {count: 1, backoff: cubic}", "retry.backoff", "'fixed', 'linear' or 'exponential'"),
        ("retry: {count: 1, jitter: 1}", "retry.jitter", "expected true or false"),
        (
            "retry: {count: 1, on: [Time out]}",
            "retry.on[0]",
            "expected one of timeout, connection, rate_limit",
        ),
        (
            "retry: {count: 1, on: [timeout, http_status]}",
            "retry.on[1]",
            "expected one of timeout, connection, rate_limit",
        ),
        ("retry: {count: 1, delay: 5}", "retry.delay", "unknown key"),
        ("when: 5", "when", "true, false or a template, found 5"),
        ("when: '{{ item }}'", "when", "names 'item'"),
        ("when: '{{ task.name }}'", "when", "names 'task'"),
        ("when: '{{ tasks.b.output }}'", "when", "need not be completed"),
        ("when: '{{ tasks.a.output }}'", "when", "its own task"),
        ("when: '{{ params.x }}'", "when", "not declared"),
        ("when: '{{ 1 + }}'", "when", "cannot be read"),
        ("join: some", "join", "all, any, all_done or {at_least: 2}, found text 'some'"),
        ("join: {at_least: 0}", "join", "expected all, any"),
        ("join: {at_least: true}", "join", "expected all, any"),
        ("join: {at_least: 1}", "join.at_least", "at least 1 of 0 needs is never satisfied"),
        ("join: {at_least: 2}, needs: [b]", "join.at_least", "at least 2 of 1 needs"),
        ("join: any", "join", "any of no needs is never satisfied"),
        ("for_each: abc", "for_each", "a list, or one {{ expression }} and nothing else"),
        ("for_each: 'x {{ params }}'", "for_each", "one {{ expression }} and nothing else"),
        ("for_each: 5", "for_each", "expected a list"),
        ("for_each: '{{ item }}'", "for_each", "names 'item'"),
        ("for_each: '{{ tasks.b.output }}'", "for_each", "need not be completed"),
        ("for_each: '{{ 1 + }}'", "for_each", "cannot be read"),
        ("for_each: ['{{ tasks.b.output }}']", "for_each[0]", "need not be completed"),
        ("for_each: [1], max_parallel: 0", "max_parallel", "a whole number 1 to 10,000, found 0"),
        ("max_parallel: 2", "max_parallel", "counts the items of its for_each"),
        ("with: {x: '{{ item }}'}", "with.x", "names 'item'"),
        ("with: {x: '{{ output }}'}", "with.x", "names 'output'"),
        ("workflow: other", "workflow", "either run or workflow, not both"),
        ("compensate: {with: {}}", "compensate", "'run' is missing"),
        ("compensate: {run: extract_dat}", "compensate.run", "no executor or function 'extract_dat'"),
        ("compensate: {run: claude}", "compensate.with.prompt", "a prompt is required"),
        ("compensate: {run: extract_data, with: {x: '{{ item }}'}}", "compensate.with.x", "names 'item'"),
        (
            "compensate: {run: extract_data, with: {x: '{{ tasks.b.output }}'}}",
            "compensate.with.x",
            "need not be completed",
        ),
        ("approval: {expires: 0}", "approval.expires", "more than zero"),
        ("approval: {by: lead}", "approval.by", "expected a list"),
        ("approval: {default: maybe}", "approval.default", "'reject' or 'approve'"),
        ("approval: {form: {type: string}}", "approval.form", "type must be object, found text 'string'"),
        ("approval: {form: {properties: []}}", "approval.form", "the form is no JSON Schema: ['properties']"),
        ("approval: {form: {$ref: 'http://x/'}}", "approval.form", "may refer only to itself"),
        ("approval: {form: {$dynamicRef: 'http://x/'}}", "approval.form", "may refer only to itself"),
        ("approval: {form: {$ref: '#/$defs/x'}}", "approval.form", "no text '#/$defs/x' to refer to"),
        ("approval: {form: {properties: {a: {pattern: '('}}}}", "approval.form", "is no JSON Schema"),
        ("approval: {form: {maxProperties: -1}}", "approval.form", "the form is no JSON Schema"),
        ("mode: stream", "mode", "'once' or 'continuous'"),
        ("buffer_size: 5", "buffer_size", "belongs to a continuous task"),
        ("flush_interval: 5", "flush_interval", "belongs to a continuous task"),
        ("mode: continuous, buffer_size: 0", "buffer_size", "a whole number 1 to 1,000,000"),
        ("mode: continuous, flush_interval: 0", "flush_interval", "more than zero"),
        ("mode: continuous, for_each: [1]", "for_each", "one stream"),
        ("mode: continuous, compensate: {run: extract_data}", "compensate", "nothing to compensate"),
        ("mode: continuous, approval: {}", "approval", "cannot wait for an approval"),
    ],
)
def test_one_mistake_in_a_task_gives_one_sentence(keys, path, message):
    problem = only(tasks_text(f"name: a, run: extract_data, {keys}", "name: b, run: extract_data"))

    assert problem.line == 3
    assert problem.path == f"tasks[0].{path}"
    assert message in problem.message


@pytest.mark.parametrize(
    ("line", "path", "message"),
    [
        ("schedule: 0 0 31 2 *", "schedule", "no such month has a day 31"),
        ("schedule: {timezone: UTC}", "schedule", "'cron' is missing"),
        ("schedule: {cron: '61 * * * *'}", "schedule.cron", "cron field 'minute'"),
        ("schedule: {cron: '@daily', timezone: Europe/Belin}", "schedule.timezone", "'Europe/Berlin'"),
        ("schedule: {cron: '@daily', timezone: ../UTC}", "schedule.timezone", "expected a time zone"),
        ("schedule: {cron: '@daily', overlap: stop}", "schedule.overlap", "'skip', 'queue'"),
        ("schedule: {cron: '@daily', catchup: some}", "schedule.catchup", "'none', 'latest' or 'all'"),
        ("schedule: {cron: '@daily', tz: UTC}", "schedule.tz", "unknown key 'tz'"),
        ("schedule: {cron: '@daily', params: {x: 1}}", "schedule.params.x", "no parameter 'x'"),
        ("schedule: {cron: '@daily', params: {n: a}}", "schedule.params.n", "expected a whole number"),
        ("schedule: {cron: '@daily', params: {s: a}}", "schedule.params.s", "a secret may not stand"),
        ("schedule: 5", "schedule", "expected a mapping, found 5"),
        ("max_parallel: 0", "max_parallel", "a whole number 1 to 10,000, found 0"),
        ("max_parallel: 10001", "max_parallel", "a whole number 1 to 10,000, found 10001"),
        ("max_instances: 1.5", "max_instances", "a whole number"),
        ("timeout: 0", "timeout", "more than zero"),
        ("on_failure: retry", "on_failure", "'stop', 'continue' or 'compensate'"),
    ],
)
def test_one_mistake_in_the_workflow_gives_one_sentence(line, path, message):
    problem = only(
        "name: w\nparams: {n: {type: integer, required: false}, s: {secret: true, required: false}}\n"
        f"{line}\ntasks: [{{name: a, run: extract_data}}]\n"
    )

    assert (problem.line, problem.path) == (3, path)
    assert message in problem.message


def test_a_schedule_gives_every_parameter_that_is_required():
    problem = only(
        "name: w\nparams: {n: {type: integer}}\nschedule: '@daily'\ntasks: [{name: a, run: extract_data}]"
    )

    assert (problem.code, problem.line) == ("missing_param", 3)
    assert "'n' is required, and the schedule gives no value" in problem.message


def test_a_task_must_run_something():
    problem = only(tasks_text("name: a"))

    assert (problem.code, problem.path, problem.message) == ("missing_key", "tasks[0]", "'run' is missing")


@pytest.mark.parametrize("mode", ["", ", mode: continuous"])
def test_a_child_workflow_is_named_like_a_workflow_and_is_another_one(mode):
    found = problems_of(tasks_text(f"name: a, workflow: w{mode}", "name: b, workflow: Bad_Name"))

    assert [problem.path for problem in found] == ["tasks[0].workflow"] * (2 if mode else 1) + [
        "tasks[1].workflow"
    ]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("retries", "'retry'"),
        ("condition", "'when'"),
        ("depends_on", "'needs'"),
        ("foreach", "'for_each'"),
        ("rollback", "'compensate'"),
        ("trigger_rule", "'join'"),
        ("continue_on_error", "'allow_failure'"),
        ("streaming", "'mode'"),
        ("schedule", "'schedule' is a key of the workflow"),
    ],
)
def test_a_word_of_another_system_is_translated(key, hint):
    assert hint in only(tasks_text(f"name: a, run: extract_data, {key}: x")).hint


@pytest.mark.parametrize(
    ("key", "hint"), [("cron", "'schedule'"), ("concurrency", "'max_parallel'"), ("retry", "a key of a task")]
)
def test_a_word_at_the_top_is_translated(key, hint):
    assert hint in only(f"name: w\n{key}: 1\ntasks: [{{name: a, run: extract_data}}]").hint


def test_a_form_is_not_larger_than_people_fill_in():
    with pytest.raises(ValidationError, match=r"at most 1,000 values"):
        a_workflow(a_task("a", approval={"form": {"enum": [[]] * 1000}}))


def test_more_items_than_an_instance_holds_are_refused():
    with pytest.raises(ValidationError, match=r"at most 10,000 items, found 10,001"):
        a_workflow(a_task("a", for_each=[1] * 10_001))


def test_a_loop_may_name_its_variable_as_the_items_are_named():
    load(tasks_text("name: a, run: extract_data, with: {x: '{% for item in [1] %}{{ item }}{% endfor %}'}"))
