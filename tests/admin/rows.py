"""Rows for the admin's tests: plain inserts, with no service and no broker."""

import itertools
from datetime import UTC, datetime, timedelta

from django.apps import apps
from django.contrib.auth import get_user_model
from django.urls import reverse

from tasks_app.models import (
    ApiToken,
    Checkpoint,
    Chore,
    Delivery,
    Dependency,
    Event,
    ExecutionRecord,
    IdempotencyKey,
    Instance,
    Listener,
    Login,
    Membership,
    Project,
    RequirementSet,
    Schedule,
    ScheduleFire,
    Task,
    Workflow,
    WorkflowVersion,
)
from workers_app.models import Worker

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MODELS = (
    RequirementSet,
    Project,
    Workflow,
    WorkflowVersion,
    Instance,
    Task,
    Dependency,
    ExecutionRecord,
    Event,
    Listener,
    Delivery,
    Checkpoint,
    Chore,
    Schedule,
    ScheduleFire,
    Membership,
    ApiToken,
    Login,
    IdempotencyKey,
    Worker,
)
OUR_TABLES = [
    model for app in ("tasks_app", "workers_app") for model in apps.get_app_config(app).get_models()
]


def page(model, name="changelist", *args):
    """Return the address of one of a model's admin pages."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def a_version(*, name="a-workflow", text="text", project=None):
    """Make a workflow with one version."""
    workflow = Workflow.objects.create(
        project=project or Project.objects.default(), name=name, description=text
    )
    return WorkflowVersion.objects.create(
        workflow=workflow,
        number=1,
        source=f"name: {text}",
        definition={"name": text},
        digest="d" * 64,
        task_count=1,
    )


def an_instance(*, version=None, text="text", task_count=0, status="running"):
    """Make an instance without tasks."""
    version = version or a_version()
    return Instance.objects.create(
        project=version.workflow.project,
        workflow=version.workflow,
        version=version,
        status=status,
        params={"topic": text},
        task_count=task_count,
        error_message=text,
        started_at=NOON,
    )


def tasks_in(instance, count, *, text="text"):
    """Make a chain of finished tasks, each with a record and an event."""
    tasks = Task.objects.bulk_create(
        [
            Task(
                project_id=instance.project_id,
                instance=instance,
                name=f"{text}-{place}",
                position=place,
                description=text,
                executor="noop",
                spec={"with": {"say": text}},
                requires=[text],
                tags=[text],
                stage=0,
                stage_position=place,
                fan_in=min(place, 1),
                fan_out=1,
                rank=1,
                status="failed",
                reason=text,
                worker=f"{text}@host",
                attempts=1,
                progress=0.5,
                progress_message=text,
                output={"said": text},
                error_kind="oops",
                error_message=text,
                started_at=NOON,
                finished_at=NOON + timedelta(seconds=150),
            )
            for place in range(count)
        ]
    )
    Dependency.objects.bulk_create(
        Dependency(task=later, needed=sooner) for sooner, later in itertools.pairwise(tasks)
    )
    ExecutionRecord.objects.bulk_create(a_record(task, text=text) for task in tasks)
    Event.objects.bulk_create(
        Event(
            instance=instance,
            task=task,
            kind="task.failed",
            attempt=1,
            worker=f"{text}@host",
            message=text,
            data={"kind": text},
        )
        for task in tasks
    )
    return tasks


def a_record(task, *, text="text", number=1, **more):
    """Return an unsaved record of a rehearsed attempt."""
    facts = {
        "status": "failed",
        "prompt": text,
        "answer": text,
        "output": {"said": text},
        "error_kind": "oops",
        "error_message": text,
        "error_detail": {"why": text},
        "tokens": {"input_tokens": 1000, "output_tokens": 234},
        "tokens_used": 1234,
        "cost_usd_micros": 12_500,
        "simulated": True,
        "metadata": {"note": text},
        "finished_at": NOON + timedelta(seconds=150),
        **more,
    }
    return ExecutionRecord(
        task=task,
        number=number,
        dispatch_id=f"d{number}",
        executor="claude",
        worker=f"{text}@host",
        model=text,
        started_at=NOON,
        **facts,
    )


def everything(count, *, text="text"):
    """Make at least ``count`` rows of every table."""
    project = Project.objects.default()
    for place in range(count - 1):
        Project.objects.create(slug=f"project-{place}", name=f"{text} {place}")
    versions = [a_version(name=f"{text}{place}", text=text, project=project) for place in range(count)]
    instances = [an_instance(version=version, text=text, task_count=1) for version in versions]
    tasks_in(instances[0], count + 1, text=text)
    schedules = Schedule.objects.bulk_create(
        Schedule(
            project=project,
            workflow=version.workflow,
            cron="0 2 * * *",
            params={"topic": text},
            paused=True,
            paused_at=NOON,
            pause_reason=text,
            next_fire_at=NOON,
        )
        for version in versions
    )
    ScheduleFire.objects.bulk_create(
        ScheduleFire(schedule=schedule, instance=instance, fire_at=NOON, outcome="fired", note=text)
        for schedule, instance in zip(schedules, instances, strict=True)
    )
    Checkpoint.objects.bulk_create(
        Checkpoint(
            instance=task.instance, task=task, number=1, default="reject", comment=text, values={"said": text}
        )
        for task in Task.objects.filter(instance=instances[0])
    )
    Chore.objects.bulk_create(Chore(name=f"chore-{place}", ran_at=NOON) for place in range(count))
    Listener.objects.bulk_create(Listener(name=f"{text}{place}") for place in range(count))
    Delivery.objects.bulk_create(
        Delivery(
            listener_id=f"{text}{place}", instance=instances[place], last_error=text, wake_at=NOON, failures=1
        )
        for place in range(count)
    )
    RequirementSet.objects.bulk_create(
        RequirementSet(name=f"{instances[0].public_id}-{place}", capabilities=[text])
        for place in range(count)
    )
    Worker.objects.bulk_create(
        Worker(name=f"{text}{place}@host", host=text, pid=1, slots=4, platform=text, version="1")
        for place in range(count)
    )
    access(count, project=project, text=text)
    return instances[0]


def access(count, *, project, text):
    """Make members, tokens, logins and kept answers."""
    model = get_user_model()
    users = [model(username=f"{text}{place}") for place in range(count)]
    model.objects.bulk_create(users)
    Membership.objects.bulk_create(Membership(user=user, project=project, role="viewer") for user in users)
    ApiToken.objects.bulk_create(
        ApiToken(
            kind="personal",
            name=text,
            prefix="cpds_pat_abcdef",
            digest=user.username,
            user=user,
            project=project,
            role="viewer",
            created_by=text,
            expires_at=NOON,
            last_used_at=NOON,
        )
        for user in users
    )
    Login.objects.bulk_create(
        Login(user=user, family=f"f{place}", refresh_id="r", address="192.0.2.1", expires_at=NOON)
        for place, user in enumerate(users)
    )
    IdempotencyKey.objects.bulk_create(
        IdempotencyKey(
            scope="user:1",
            act="POST /",
            key=f"{text}{place}",
            digest="d",
            http_status=201,
            answer=text,
            expires_at=NOON,
        )
        for place in range(count)
    )
