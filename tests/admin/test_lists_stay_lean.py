"""A list costs as many statements for many rows as for few, and leaves long texts where they are."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app.admin.shared.base import long_columns
from tasks_app.models import Chore, IdempotencyKey, Instance, Listener, Project, Task, Workflow
from tasks_app.services.lookup.fleet import connected_fleet
from tasks_app.services.publishing import window
from tests.admin.rows import MODELS, an_instance, everything, page, tasks_in
from tests.support.fleet import StaffedFleet
from workers_app.models import Worker

pytestmark = pytest.mark.django_db


def statements(client, address):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def forget_rows():
    for model in (Instance, Workflow, Project, Chore, Listener, Worker, IdempotencyKey):
        model.objects.all().delete()
    get_user_model().objects.filter(is_superuser=False).delete()


@pytest.mark.parametrize("model", MODELS)
def test_a_list_of_a_hundred_costs_what_a_list_of_ten_costs(admin_client, model):
    everything(10)
    few = statements(admin_client, page(model))
    forget_rows()
    everything(100)

    many = statements(admin_client, page(model))

    assert len(many) == len(few)
    assert len(many) <= 18


@pytest.mark.parametrize("model", MODELS)
def test_a_list_leaves_long_columns_in_the_database(admin_client, model):
    everything(3)
    wanted = [f'"{model._meta.db_table}"."{name}"' for name in long_columns(model)]

    selected = [
        sql.split(" FROM ")[0]
        for sql in statements(admin_client, page(model))
        if f'FROM "{model._meta.db_table}"' in sql
    ]

    assert selected
    for columns in selected:
        whole = re.sub(r"(?i)(left|substr)\([^()]*\)", "", columns)
        assert [name for name in wanted if name in whole] == []


def test_an_instance_with_a_hundred_tasks_costs_what_one_with_ten_costs(admin_client, monkeypatch):
    # The connected fleet asks for its slots once a second, whoever looks.
    staffed = StaffedFleet(connected_fleet(), free=4)
    monkeypatch.setattr(window, "connected_fleet", lambda: staffed)
    small, large = an_instance(task_count=10), None
    tasks_in(small, 10)
    large = an_instance(version=small.version, task_count=100)
    tasks_in(large, 100)

    statements(admin_client, page(Instance, "change", small.pk))  # reads what is remembered from then on
    few = statements(admin_client, page(Instance, "change", small.pk))
    many = statements(admin_client, page(Instance, "change", large.pk))

    assert len(many) == len(few)
    assert len(many) <= 18


def test_a_task_with_many_neighbours_costs_what_one_with_few_costs(admin_client):
    first, *others = tasks_in(an_instance(), 80)
    statements(admin_client, page(Task, "change", first.pk))  # reads what is remembered from then on
    few = statements(admin_client, page(Task, "change", first.pk))
    first.followers.model.objects.bulk_create(
        first.followers.model(task=other, needed=first) for other in others[1:]
    )

    many = statements(admin_client, page(Task, "change", first.pk))

    assert len(many) == len(few)


def test_every_list_shows_fifty_and_counts_only_what_it_shows():
    for model in MODELS:
        options = admin.site.get_model_admin(model)
        assert options.list_per_page == 50
        assert not options.show_full_result_count
