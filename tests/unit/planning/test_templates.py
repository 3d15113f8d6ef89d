import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.planning.templates.errors import TemplateError, TemplateTooLarge, UndefinedReference
from tasks_app.planning.templates.rendering import has_template, references, render

OUTPUT = {"rows": [1, 2, 3], "items": ["mine"], "text": "{{ params.secret }}", "get": 1, "_id": 7, "on": True}


def fill(template, *, outputs=None, **params):
    return render(
        {"f": template},
        params={"n": 3, "secret": "hidden", **params},
        outputs=outputs or {"extract": OUTPUT, "数据": "文"},
        instance={"id": "inst-1", "workflow": "w"},
        task={"name": "report", "attempt": 1},
    )["f"]


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ params.n }}", 3),
        ("{{params.n}}", 3),
        ("{{ tasks.extract.output.rows }}", [1, 2, 3]),
        ("{{ tasks['extract'].output.on }}", True),
        ("{{ params.n + 0.5 }}", 3.5),
        ("{{ none }}", None),
        ("{{ '12' }}", "12"),
        ("{{ {'a': (1, 2)} }}", {"a": [1, 2]}),
        ("{{ tasks.extract.output.rows | map('string') }}", ["1", "2", "3"]),
        ("{{ tasks.extract.output.keys() | sort | first }}", "_id"),
    ],
)
def test_a_lone_expression_keeps_its_type(template, value):
    found = fill(template)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("n={{ params.n }}", "n=3"),
        ("{{ params.n }} ", "3 "),
        ("{{ params.n }}{{ params.n }}", "33"),
        ("{{ params.n }}\n", "3\n"),
        ("{{ tasks['数据'].output }}!", "文!"),
        ("all: {{ tasks.extract.output.rows }}", "all: [1, 2, 3]"),
        ("{{ tasks['extract'].output.rows | length }} rows", "3 rows"),
        (
            "{% for row in [1, 2, 3] %}{{ row }}{{ ',' if not loop.last else '' }}{% endfor %}",
            "1,2,3",
        ),
        ("{% set x = 2 %}{% if x > 1 %}{{ x * 3 }}{% endif %}", "6"),
        ("{{ true }} {{ none }} {{ 1.5 }}", "true null 1.5"),
        ("{{ {'a': '<é>\"'} | tojson }}.", '{"a": "<é>\\""}.'),
        ("{{ 'a' ~ params.n ~ [1] }}.", "a3[1]."),
        ("{{ '%s-%03d' | format('a', 7) }}.", "a-007."),
        ("{{ 'a\nb' | indent(2) }}.", "a\n  b."),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ instance.id }}/{{ task.attempt }}", "inst-1/1"),
        ("{{ '<' | e }}<", "&lt;<"),
        ("{{ params.zz | default('d') }}.", "d."),
        ("{{ [1, 2] | sum }}{{ 2.345 | round(1) }}.", "32.3."),
        ("{{ 'a-b'.replace('-', '+') }}{{ '-'.join(['x', 1]) }}.", "a+bx-1."),
    ],
)
def test_any_other_text_becomes_text(template, text):
    assert fill(template) == text


def test_an_item_wins_over_a_method_of_the_same_name():
    assert fill("{{ tasks.extract.output.items }}") == ["mine"]
    assert fill("{{ tasks.extract.output.get }}") == 1
    assert (
        fill("{% for key, value in params.items() %}{{ key }}={{ value }};{% endfor %}")
        == "n=3;secret=hidden;"
    )


def test_containers_are_walked_and_keys_are_left():
    filled = render(
        {"{{ params.n }}": [{"x": "{{ params.n }}"}, 5, None]},
        params={"n": 3},
        outputs={},
        instance={},
        task={},
    )

    assert filled == {"{{ params.n }}": [{"x": 3}, 5, None]}


def test_what_upstream_produced_is_never_rendered():
    assert fill("{{ tasks.extract.output.text }}") == "{{ params.secret }}"
    assert fill("it said: {{ tasks.extract.output.text }}") == "it said: {{ params.secret }}"


@given(st.text())
def test_any_output_comes_through_as_it_is(output):
    assert fill("{{ tasks.a.output }}", outputs={"a": output}) == output
    assert fill("<{{ tasks.a.output }}>", outputs={"a": output}) == f"<{output}>"


@given(
    st.sampled_from(["{{ 7 * 7 }}", "{% for x in y %}", "{{", "{# x #}", "{{ params.secret }}"]), st.text()
)
def test_an_output_that_looks_like_a_template_stays_data(trap, text):
    output = text + trap

    assert fill("{{ tasks.a.output }}", outputs={"a": output}) == output
    assert fill("<{{ [tasks.a.output] | join }}>", outputs={"a": output}) == f"<{output}>"


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("{{ nope }}", "'nope' is not defined here; templates know params, tasks, instance, task"),
        ("{{ params.zz }}", "there is no 'zz'; found n, secret"),
        ("x {{ tasks.load.output }}", "there is no 'load'; found extract, 数据"),
        ("{{ tasks.extract.output.row }}", "there is no 'row'; found rows, items"),
        ("{{ tasks.extract.output.rows[99] }}", "there is no [99] in a list of 3"),
        ("{{ params.n.x }}", "3 has no 'x'"),
        ("{{ [params.zz] }}", "there is no 'zz'"),
        ("{{ params.zz.a.b }}", "there is no 'zz'"),
    ],
)
def test_an_undefined_name_is_an_error_that_names_task_and_field(template, found):
    with pytest.raises(UndefinedReference) as refusal:
        fill(template)

    assert found in str(refusal.value)
    assert (refusal.value.task, refusal.value.field) == ("report", "with.f")
    assert "'report'" in str(refusal.value)
    assert "with.f" in str(refusal.value)


def test_a_nested_field_is_named_with_its_path():
    with pytest.raises(TemplateError) as refusal:
        fill([{"deep": "{{ nope }}"}])

    assert refusal.value.field == "with.f[0].deep"


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ ''|attr('__class__') }}",
        "{{ config }}",
        "{{ self.__init__ }}",
        "{{ params.__class__ }}",
        "{{ params.items.__self__ }}",
        "{{ [].append }}",
        "{{ tasks.extract.output.rows.append(4) }}",
        "{{ params.update({'n': 4}) }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ '{a.__class__}'.format_map({'a': 1}) }}",
        "{{ [1]|map(attribute='__class__')|list }}",
        "{{ [1]|map('attr', '__class__')|list }}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% include 'x' %}",
        "{% extends 'x' %}",
        "{% macro m() %}{% endmacro %}",
        "{% call m() %}{% endcall %}",
        "{% block b %}{% endblock %}",
        "{% filter upper %}{% endfilter %}",
        "{% set params = 1 %}",
        "{% set a %}x{% endset %}",
        "{{ range(3) }}",
        "{{ lipsum() }}",
        "{{ cycler(1) }}",
        "{{ namespace() }}",
        "{{ dict(a=1) }}",
        "{{ params.n() }}",
        "{{ loop }}",
        "{{ params.get }}",
        "{{ 'x' | pprint }}",
        "{{ 'x' | _sized }}",
        "{{ 1e308 * 10 }}",
        "{{ (-8) ** 0.5 }}",
        "{{ 2 ** 70 }}",
        "{{ 1 / 0 }}",
        "{{ {1: 2} }}",
        "{{ 1 +",
        "{{ 1 is nonsense }}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "-" * 3000 + "1 }}",
        "{% if 1 %}" * 300 + "{% endif %}" * 300,
        "{% for a in [1] %}" * 30 + "{% endfor %}" * 30,
    ],
)
def test_what_is_out_of_bounds_is_refused(template):
    with pytest.raises(TemplateError):
        fill(template)


BOMBS = [
    "{{ 'x' * 10**10 }}",
    "{{ 10**10 * 'x' }}",
    "{{ [0] * 10**10 }}",
    "{{ 10**10**10 }}",
    "{{ 2 ** (10 ** 8) }}",
    "{% set a = 9**1000 %}" + "{% set a = a * a %}" * 60,
    "{{ '%1000000000s' | format('x') }}",
    "{{ '%*d' % (1000000000, 1) }}",
    "{{ ('%s' * 100000) % ('x' * 1000000) }}",
    "{{ '%(a)s' * 100000 % {'a': 'x' * 1000000} }}",
    "{{ 'x' | indent(10**9) }}",
    "{{ {} | tojson(indent=10**9) }}",
    "{{ 1.5 | round(10**9, 'ceil') }}",
    "{{ ('x' * 1000000) | list | join('y' * 1000000) }}",
    "{{ ('y' * 1000000).join('x' * 1000000) }}",
    "{{ ('x' * 1000000).replace('x', 'y' * 1000000) }}",
    "{{ ('x' * 1000000) | replace('x', 'y' * 1000000) }}",
    "{{ ('x' * 1000000) | map('default', 'y' * 1000000, true) | list }}",
    "{{ ('x' * 1000000) | map('replace', 'x', 'y' * 1000000) | join }}",
    "{{ [['x' * 100000]] * 1000 | sum(start=[]) }}",
    "{% set a = 'x' * 1000 %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}",
    "{% set a = 'x' * 1000 %}" + "{% set a = a + a %}" * 60 + "{{ a }}",
    "{% set a = ['x'] %}" + "{% set a = [a, a] %}" * 60 + "{{ a }}",
    "{% set a = {} %}" + "{% set a = {'x': a, 'y': a} %}" * 60 + "{{ a == a }}",
    "{% set a = () %}" + "{% set a = (a, a) %}" * 60 + "{{ a | string }}",
    "{% for a in 'x' * 2000 %}{% for b in 'x' * 2000 %}{% endfor %}{% endfor %}",
    "{% for a in 'x' * 2000 %}{% for b in 'x' * 2000 if false %}{% endfor %}{% endfor %}",
    "{% for a in 'x' * 2000 %}" + "x" * 1000 + "{% endfor %}",
    "{{ 'x' * 1500000 }}",
    "a{{ 'x' * 1500000 }}",
]  # fmt: skip


@pytest.mark.parametrize("template", BOMBS, ids=range(len(BOMBS)))
def test_a_bomb_does_not_go_off(template):
    worked = time.thread_time()

    with pytest.raises(TemplateError):
        fill(template)

    assert time.thread_time() - worked < 5  # of work, however busy the machine is


def test_one_field_and_all_fields_together_are_bounded():
    with pytest.raises(TemplateTooLarge, match=r"1,048,576"):
        fill("{{ tasks.a.output }}", outputs={"a": "x" * 1_100_000})
    with pytest.raises(TemplateTooLarge, match="all fields together"):
        fill(["{{ tasks.a.output }}"] * 9, outputs={"a": "x" * 1_000_000})


def test_a_deep_output_is_refused_in_time():
    deep = []
    for _ in range(5000):
        deep = [deep]

    with pytest.raises(TemplateTooLarge, match="nested"):
        fill("{{ tasks.a.output }}", outputs={"a": deep})


def test_a_name_is_found_however_its_accents_are_encoded():
    assert fill("{{ tasks['e\u0301'].output }}", outputs={"é": 1}) == 1


def test_it_sees_templates_in_values_and_not_in_keys():
    assert has_template({"a": [{"b": "{{ x }}"}]})
    assert has_template("{% if 1 %}{% endif %}")
    assert not has_template({"{{ x }}": ["plain", 5, None]})


def test_references_are_found_without_rendering():
    found = references(
        {
            "a": "{{ tasks.extract.output }} {{ tasks['a b'].output }} {{ params.n }} {{ params['m'] }}",
            "b": [
                "{{ nope }} {{ params.get('k') }} {{ instance.id }}",
                "{% for x in tasks.c.output %}{{ x }}{{ loop.index }}{% endfor %}",
            ],
        }
    )

    assert found.tasks == {"extract", "a b", "c"}
    assert found.params == {"n", "m"}
    assert found.unknown_roots == {"nope"}
    assert not found.dynamic_tasks
    assert found.problems == ()


@pytest.mark.parametrize(
    "template",
    [
        "{{ tasks[params.n] }}",
        "{{ tasks }}",
        "{{ tasks.get('a') }}",
        "{% for t in tasks %}{% endfor %}",
        "{% set t = tasks %}",
        "{{ tasks|length }}",
    ],
)
def test_a_computed_reference_is_a_problem(template):
    found = references({"f": [template]})

    assert found.dynamic_tasks
    assert found.problems[0][0] == ("f", 0)
    with pytest.raises(TemplateError):
        fill(template)


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{{ 1 +", "the template cannot be read"),
        ("{{ x | jon }}", "there is no filter 'jon' in templates; did you mean 'join'?"),
        ("{{ x is definde }}", "there is no test 'definde' in templates; did you mean 'defined'?"),
        ("{% include 'x' %}", "{% include %} may not be used"),
        ("{{ x.__class__ }}", "attributes that start with an underscore"),
        ("{% set tasks = 1 %}", "'tasks' may not be given a new value"),
        ("{% for x in [] recursive %}{% endfor %}", "recursive loops"),
    ],
)
def test_what_cannot_work_is_known_before_it_runs(template, sentence):
    (problem, *_) = references(template).problems

    assert sentence in problem[1]


@given(st.text(alphabet=st.sampled_from(list("{}%#|.[]()'\"~*+-= \nabtasksparamsfor1"))))
def test_any_text_is_filled_in_or_refused(text):
    references(text)
    try:
        fill(text)
    except TemplateError:
        return
