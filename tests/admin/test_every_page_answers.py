"""Each page of each table answers, with rows and without."""

import pytest
from django.contrib import admin
from django.urls import reverse

from tasks_app.models import Dependency, Event, ExecutionRecord, Instance, Task
from tests.admin.rows import MODELS, OUR_TABLES, everything, page

pytestmark = pytest.mark.django_db


def test_every_table_is_registered():
    assert [model for model in OUR_TABLES if not admin.site.is_registered(model)] == []


def test_the_schedules_of_beat_stay_registered():
    from django_celery_beat.models import PeriodicTask

    assert admin.site.is_registered(PeriodicTask)


def test_the_site_is_called_cpds(admin_client):
    answer = admin_client.get(reverse("admin:index"))

    assert b"CPDS" in answer.content
    assert b"CPDS" in admin_client.get(reverse("admin:app_list", args=["tasks_app"])).content


@pytest.mark.parametrize("model", MODELS)
class TestEachModel:
    def test_the_list_is_shown_without_rows(self, admin_client, model):
        assert admin_client.get(page(model)).status_code == 200

    def test_the_list_and_the_page_and_the_history_are_shown(self, admin_client, model):
        everything(2)
        for row in model.objects.all():
            assert admin_client.get(page(model, "change", row.pk)).status_code == 200
            assert admin_client.get(page(model, "history", row.pk)).status_code == 200

        assert admin_client.get(page(model)).status_code == 200

    def test_the_list_is_searched(self, admin_client, model):
        everything(2)

        for words in ("text", "inst-", "中文", "50%", "' OR 1=1 --"):
            assert admin_client.get(page(model), {"q": words}).status_code == 200

    def test_the_list_is_sorted_by_every_column(self, admin_client, model):
        everything(2)
        columns = admin.site.get_model_admin(model).list_display

        for place, _ in enumerate(columns, start=1):
            for sign in ("", "-"):
                assert admin_client.get(page(model), {"o": f"{sign}{place}"}).status_code == 200

    def test_the_list_follows_the_calendar(self, admin_client, model):
        everything(2)
        dates = admin.site.get_model_admin(model).date_hierarchy

        for chosen in ({"year": 2026}, {"year": 2026, "month": 3}, {"year": 2026, "month": 3, "day": 1}):
            asked = {f"{dates}__{unit}": number for unit, number in chosen.items()}
            assert admin_client.get(page(model), asked).status_code == 200

    def test_every_offered_filter_works(self, admin_client, model):
        everything(2)
        offered = admin_client.get(page(model)).context["cl"]

        for spec in offered.filter_specs:
            for choice in spec.choices(offered):
                assert admin_client.get(page(model) + choice["query_string"]).status_code == 200


@pytest.mark.parametrize("model", [Task, Event, ExecutionRecord, Dependency])
@pytest.mark.parametrize("value", ["", "nothing", "\x00", "9" * 40, "-1"])
def test_a_link_to_what_is_not_there_shows_an_empty_list(admin_client, model, value):
    everything(2)

    for name in ("instance", "task", "needed", "worker", "kind"):
        answer = admin_client.get(page(model), {name: value}, follow=True)
        assert answer.status_code == 200


@pytest.mark.parametrize("model", [Task, Event, ExecutionRecord, Dependency])
def test_a_list_is_narrowed_to_one_instance(admin_client, model):
    first = everything(2)
    other = Instance.objects.exclude(pk=first.pk).get()

    assert admin_client.get(page(model), {"instance": first.public_id}).context["cl"].result_count > 0
    assert admin_client.get(page(model), {"instance": other.public_id}).context["cl"].result_count == 0


@pytest.mark.parametrize("model", [Event, ExecutionRecord, Dependency])
def test_a_list_is_narrowed_to_one_task(admin_client, model):
    everything(2)
    task = Task.objects.order_by("-position").first()

    assert admin_client.get(page(model), {"task": task.pk}).context["cl"].result_count == 1
