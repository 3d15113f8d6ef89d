"""More of everything that lists show: for the test that walks them at ten rows and at a hundred."""

from django.contrib.auth import get_user_model

from tasks_app.models import Event, ExecutionRecord, Instance, Membership, Project, Task, Workflow
from tasks_app.roles import Role
from tasks_app.services.tokens import create_token
from tests.api.people import OPERATOR, People


def grow(people: People, count: int, *, among: Instance, workflow: Workflow) -> None:
    """Add ``count`` of each kind to the project ``mine``; tasks and events also to the instance ``among``.

    Rows are copied rather than made by the services, which would take minutes.
    """
    _people_and_tokens(people, count)
    _workflows(people, count, like=workflow)
    _instances(count, like=among)
    _parts(count, like=among)


def _people_and_tokens(people: People, count: int) -> None:
    start = get_user_model().objects.count()
    for number in range(start, start + count):
        user = get_user_model().objects.create(username=f"grown-{number}")
        Membership.objects.create(user=user, project=people.mine, role=Role.VIEWER)
        project = Project.objects.create(slug=f"grown-{number}", name="Grown")
        Membership.objects.create(user=people.user("admin"), project=project, role=Role.ADMIN)
        create_token(caller=OPERATOR, name="grown", role=Role.VIEWER, project=people.mine, user_id=user.pk)


def _workflows(people: People, count: int, *, like: Workflow) -> None:
    newest = like.versions.order_by("-number")[0]
    start = Workflow.objects.count()
    for number in range(start, start + count):
        row = Workflow.objects.create(project=people.mine, name=f"grown-{number}")
        _copy(newest, workflow=row, number=1)
        _copy(newest, workflow=like, number=like.latest + 1000 + number)


def _instances(count: int, *, like: Instance) -> None:
    rows = list(Task.objects.filter(instance=like)[:2])
    for _ in range(count):
        made = _copy(like, public_id=Instance._meta.get_field("public_id").get_default())
        for row in rows:
            _copy(row, instance=made, task_id=None)


def _parts(count: int, *, like: Instance) -> None:
    row = Task.objects.filter(instance=like).order_by("pk")[0]
    start = Task.objects.filter(instance=like).count()
    for number in range(start, start + count):
        made = _copy(row, name=f"grown-{number}", position=number, task_id=None)
        Event.objects.create(
            instance=like, task=made, kind="task.log", project=like.project, data={"by": "ada"}
        )
        ExecutionRecord.objects.create(
            task=row, number=1000 + number, dispatch_id=f"grown-{number}", executor="noop", worker="grown"
        )


def _copy(row, **changes):
    """Insert a copy of a row with some columns changed, and return it."""
    again = type(row)(**{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields})
    again.pk = None
    for name, value in changes.items():
        setattr(again, name, value)
    again.save(force_insert=True)
    return again
