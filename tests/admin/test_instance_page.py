"""One page tells everything about a run."""

import pytest

from tasks_app.models import Dependency, Event, ExecutionRecord, Instance, Task
from tests.admin.rows import an_instance, page, tasks_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(admin_client):
    def shown(instance):
        answer = admin_client.get(page(Instance, "change", instance.pk))
        return answer.content.decode(), {each.title: each for each in answer.context["sections"]}

    return shown


def test_it_shows_its_tasks_in_order(shown):
    instance = an_instance(task_count=3)
    first, second, _ = tasks_in(instance, 3)

    html, sections = shown(instance)

    rows = sections["Tasks"].rows
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert page(Task, "change", first.pk) in rows[0][1]
    assert "✘" in rows[0][2]
    assert "failed" in rows[0][2]
    assert rows[0][3] == "–"
    assert rows[1][3] == "text-0"
    assert rows[1][4:6] == ["noop", "2m30s"]
    assert f"{page(ExecutionRecord)}?task={second.pk}" in rows[1][6]
    assert "text@host" in rows[1][7]
    assert rows[1][8:10] == ["1,234", "$0.0125"]
    assert "simulated" in rows[1][10]
    assert f"{page(Event)}?task={second.pk}" in rows[1][12]
    assert "$0.0375" in html


def test_it_links_to_the_lists_of_its_rows(shown):
    instance = an_instance()

    html, _ = shown(instance)

    for model in (Task, ExecutionRecord, Event, Dependency):
        assert f"{page(model)}?instance={instance.public_id}" in html


def test_it_shows_the_first_two_hundred_tasks_and_links_to_the_rest(shown):
    instance = an_instance(task_count=230)
    tasks_in(instance, 230)

    _, sections = shown(instance)

    assert len(sections["Tasks"].rows) == 200
    assert sections["Tasks"].rows[-1][0] == "200"
    assert sections["Tasks"].note == "The first 200 of 230 tasks."
    assert "All 230 tasks as a list" in sections["Tasks"].more


def test_it_names_a_few_needs_and_counts_the_others(shown):
    instance = an_instance(task_count=11)
    tasks = tasks_in(instance, 11)
    Dependency.objects.bulk_create(Dependency(task=tasks[-1], needed=each) for each in tasks[:9])
    Task.objects.filter(pk=tasks[-1].pk).update(fan_in=10)

    _, sections = shown(instance)

    assert sections["Tasks"].rows[-1][3].endswith(" and 6 more")


def test_it_shows_how_far_it_is(shown):
    instance = an_instance(task_count=4)
    tasks = tasks_in(instance, 4)
    Task.objects.filter(pk=tasks[0].pk).delete()

    html, _ = shown(instance)

    assert '<progress value="0" max="3"' in html
    assert "0 of 3, 3 failed" in html


def test_it_shows_the_newest_events_first(shown):
    instance = an_instance(task_count=30)
    tasks_in(instance, 30)

    _, sections = shown(instance)

    assert len(sections["Recent events"].rows) == 20
    assert "text-29" in sections["Recent events"].rows[0][2]


def test_an_instance_without_tasks_says_so(shown):
    html, _ = shown(an_instance())

    assert "It has no tasks." in html
    assert "Nothing has happened yet." in html
