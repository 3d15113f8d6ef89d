"""More of everything that lists show: for the test that walks them at ten rows and at a hundred."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.contrib.auth import get_user_model

from cpds.base import clock
from tasks_app.models import (
    Contract,
    ContractVersion,
    Dependency,
    Event,
    ExecutionRecord,
    Instance,
    Membership,
    Project,
    Task,
    Workflow,
)
from tasks_app.roles import Role
from tasks_app.services.access.tokens import create_token
from tests.api.people import OPERATOR, People
from workers_app.models import Worker


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """The rows that others are copied from: those behind the names in the addresses of the matrix."""

    among: Instance
    workflow: Workflow
    offered: Task
    contract: Contract
    worker: Worker

    @classmethod
    def by(cls, made: Mapping[str, str]) -> "Seeded":
        """Return the rows of these ids, by the names of the seeds."""
        return cls(
            among=Instance.objects.get(public_id=made["running"]),
            workflow=Workflow.objects.get(public_id=made["workflow"]),
            offered=Task.objects.get(task_id=made["offered"]),
            contract=Contract.objects.get(public_id=made["contract"]),
            worker=Worker.objects.get(public_id=made["http_worker"]),
        )


NEEDED: Final = frozenset({"running", "workflow", "offered", "contract", "http_worker"})
"""The seeds that ``Seeded`` wants."""


def grow(people: People, count: int, *, like: Seeded) -> None:
    """Add ``count`` of each kind to the project ``mine``; tasks and events also to the instance ``among``.

    Rows are copied rather than made by the services, which would take minutes.
    """
    _people_and_tokens(people, count)
    _workflows(people, count, like=like.workflow)
    _instances(count, like=like.among, workflow=like.workflow)
    _parts(count, like=like.among)
    _loose_tasks(count, like=like.offered)
    _contracts(count, like=like.contract)
    _workers(count, like=like.worker)


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


def _instances(count: int, *, like: Instance, workflow: Workflow) -> None:
    rows = list(Task.objects.filter(instance=like)[:2])
    for _ in range(count):
        made = _copy(like, public_id=Instance._meta.get_field("public_id").get_default())
        for row in rows:
            _copy(row, instance=made, task_id=None)
        own = Instance._meta.get_field("public_id").get_default()
        _copy(like, public_id=own, workflow=workflow, version=workflow.versions.first())


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


def _loose_tasks(count: int, *, like: Task) -> None:
    """Add tasks that are offered, that run and that were completed; each needs another."""
    now = clock.now()
    held = {"worker": "grown", "attempts": 1, "lease_expires_at": now + timedelta(hours=1)}
    ways = {
        "pending": {},
        "running": {"status": "running", "started_at": now, "dispatch_id": "grown", **held},
        "completed": {"status": "completed", "finished_at": now, "satisfies": True, "settled": True},
    }
    start = Task.objects.filter(instance=like.instance).count()
    for number in range(start, start + count):
        for way, changes in ways.items():
            made = _copy(like, name=f"{way}-{number}", task_id=f"{way}-{number}", fan_in=1, **changes)
            Dependency.objects.create(task=made, needed=like)
        ExecutionRecord.objects.create(task=like, number=number, dispatch_id=f"grown-{number}")


def _contracts(count: int, *, like: Contract) -> None:
    start = Contract.objects.count()
    for number in range(start, start + count):
        own = Contract._meta.get_field("public_id").get_default()
        _copy(like, public_id=own, feature_id=f"grown-{number}")
        ContractVersion.objects.create(contract=like, number=1000 + number, status=like.status)


def _workers(count: int, *, like: Worker) -> None:
    start = Worker.objects.count()
    for number in range(start, start + count):
        _copy(
            like,
            public_id=f"grown-{number}",
            name=f"grown-{number}",
            silent_at=clock.now() + timedelta(hours=1),
        )


def _copy(row, **changes):
    """Insert a copy of a row with some columns changed, and return it."""
    again = type(row)(**{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields})
    again.pk = None
    for name, value in changes.items():
        setattr(again, name, value)
    again.save(force_insert=True)
    return again
