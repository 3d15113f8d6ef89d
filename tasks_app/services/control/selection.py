"""Which instances are meant: by workflow, state, age, time, tag and text."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, StrIndex

from cpds.base import clock
from tasks_app.models import Instance, Task
from tasks_app.services.lookup.by_name import find_workflow
from tasks_app.states import INSTANCE_FINAL, InstanceState


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which instances; what is left out does not matter.

    ``older_than_seconds`` counts from the end, or from the submission while there is no
    end. ``projects`` are keys; None: all. ``tag``: that of one of the tasks. ``search``
    is the start of an id, or part of a workflow's name.
    """

    workflow: str | None = None
    states: Collection[InstanceState] = ()
    older_than_seconds: float | None = None
    projects: Collection[int] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    tag: str = ""
    search: str = ""


def chosen_instances(chosen: Chosen) -> "QuerySet[Instance]":
    """Return the instances that ``chosen`` describes, in no order.

    :raises NotFound: when the workflow named does not exist in those projects.
    """
    rows: QuerySet[Instance] = Instance.objects.all()
    if chosen.projects is not None:
        rows = rows.filter(project__in=sorted(chosen.projects))
    if chosen.workflow is not None:
        rows = rows.filter(workflow=find_workflow(given=chosen.workflow, projects=chosen.projects))
    if chosen.states:
        rows = rows.filter(status__in=sorted(chosen.states))
    if chosen.created_after is not None:
        rows = rows.filter(created_at__gte=chosen.created_after)
    if chosen.created_before is not None:
        rows = rows.filter(created_at__lt=chosen.created_before)
    if chosen.older_than_seconds is not None:
        before = clock.database_now_plus(-chosen.older_than_seconds)
        is_over = Q(status__in=sorted(INSTANCE_FINAL))
        rows = rows.filter(is_over & Q(finished_at__lt=before) | ~is_over & Q(created_at__lt=before))
    if chosen.search:
        rows = rows.filter(
            Q(public_id__startswith=chosen.search) | Q(workflow__name__icontains=chosen.search)
        )
    if chosen.tag:
        rows = rows.filter(Exists(_tagged(chosen.tag).filter(instance=OuterRef("pk"))))
    return rows


def _tagged(tag: str) -> "QuerySet[Task]":
    """Return the tasks with a tag. SQLite cannot look into lists, so their JSON text is searched.

    What stands before the tag tells it from a part of another one, in which a quote is written with
    a backslash; databases differ in how they write what is not ASCII.
    """
    texts = [
        f"{before}{text}"
        for text in {json.dumps(tag), json.dumps(tag, ensure_ascii=False)}
        for before in "[ "
    ]
    rows = Task.objects.alias(
        **{
            f"place_{number}": StrIndex(Cast("tags", TextField()), Value(text))
            for number, text in enumerate(texts)
        }
    )
    return rows.filter(reduce(or_, (Q(**{f"place_{number}__gt": 0}) for number in range(len(texts)))))
