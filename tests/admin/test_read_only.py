"""What programs write, nobody changes here; and nobody sees what they may not."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from tasks_app.models import ExecutionRecord, Instance, Membership, Project, Task, Workflow
from tests.admin.rows import MODELS, everything, page

pytestmark = pytest.mark.django_db
MACHINE_OWNED = [model for model in MODELS if model is not Project]


@pytest.mark.parametrize("model", MACHINE_OWNED)
class TestMachineOwned:
    def test_nothing_is_changed(self, admin_client, model):
        everything(2)

        answer = admin_client.post(page(model, "change", model.objects.first().pk), {"name": "mine"})

        assert answer.status_code == 403

    def test_nothing_is_added(self, admin_client, model):
        assert admin_client.get(page(model, "add")).status_code == 403
        assert admin_client.post(page(model, "add"), {"name": "mine"}).status_code == 403

    def test_nothing_is_deleted_by_a_list(self, admin_client, model):
        everything(2)
        row, count = model.objects.first(), model.objects.count()

        admin_client.post(
            page(model), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
        )

        assert model.objects.count() == count


@pytest.mark.parametrize("model", [model for model in MACHINE_OWNED if model is not Workflow])
def test_nothing_machine_owned_is_deleted(admin_client, model):
    everything(2)
    row = model.objects.first()

    assert admin_client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MODELS)
class TestPermissions:
    def test_staff_without_permission_see_nothing(self, staff_client, model):
        everything(2)
        client = staff_client()

        assert client.get(page(model)).status_code == 403
        assert client.get(page(model, "change", model.objects.first().pk)).status_code == 403
        assert client.post(page(model, "change", model.objects.first().pk)).status_code == 403

    def test_staff_see_what_they_may_and_change_nothing(self, staff_client, model):
        everything(2)
        client = staff_client(f"view_{model._meta.model_name}")

        assert client.get(page(model)).status_code == 200
        assert client.get(page(model, "change", model.objects.first().pk)).status_code == 200
        assert client.post(page(model, "change", model.objects.first().pk)).status_code == 403
        assert client.post(page(model, "delete", model.objects.first().pk)).status_code == 403

    def test_staff_who_may_not_see_every_project_are_let_into_none(self, client, django_user_model, model):
        row = everything(2) and model.objects.first()
        staff = django_user_model.objects.create_user("member", password="x", is_staff=True)
        Membership.objects.create(user=staff, project=Project.objects.default(), role="admin")
        everywhere = Permission.objects.get(codename="see_all_projects")
        staff.user_permissions.set(Permission.objects.exclude(pk=everywhere.pk))
        client.force_login(staff)

        answers = [
            client.get(page(model)),
            client.get(page(model, "change", row.pk)),
            client.post(page(model), {"action": "delete_selected", "_selected_action": row.pk}),
        ]

        assert [each.status_code for each in answers] == [302] * 3
        assert all(each.url.startswith(reverse("admin:login")) for each in answers)

    def test_a_visitor_is_asked_to_log_in(self, client, model):
        answer = client.get(page(model))

        assert answer.status_code == 302
        assert answer.url.startswith(reverse("admin:login"))


def test_a_page_shows_only_the_tables_its_visitor_may_see(staff_client):
    instance = everything(2)

    client = staff_client("view_instance")

    assert client.get(page(Instance, "change", instance.pk)).context["sections"] == []


def test_a_task_shows_its_attempts_to_those_who_may_see_records(staff_client):
    everything(2)
    task = Task.objects.first()

    shown = staff_client("view_task", "view_executionrecord").get(page(Task, "change", task.pk))

    assert [section.title for section in shown.context["sections"]] == ["Attempts", "Needs", "Needed by"]
    assert ExecutionRecord.objects.filter(task=task).exists()


class TestProjects:
    def test_a_project_is_added_and_renamed(self, admin_client):
        admin_client.post(page(Project, "add"), {"name": "Garden", "slug": "garden"})
        project = Project.objects.get(slug="garden")

        admin_client.post(page(Project, "change", project.pk), {"name": "Park", "slug": "park", "weight": 3})

        project.refresh_from_db()
        assert (project.name, project.slug, project.weight) == ("Park", "garden", 3)

    def test_an_empty_project_is_deleted(self, admin_client):
        project = Project.objects.create(slug="empty", name="Empty")

        admin_client.post(page(Project, "delete", project.pk), {"post": "yes"})

        assert not Project.objects.filter(slug="empty").exists()

    def test_a_project_with_workflows_is_kept(self, admin_client):
        project = everything(2).project

        answer = admin_client.post(page(Project, "delete", project.pk), {"post": "yes"})

        assert answer.status_code == 403
        assert Project.objects.filter(pk=project.pk).exists()
