"""Run an ended instance again from one of its tasks on, as a new one: which task is asked for."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from cpds.base.errors import CPDSError
from tasks_app.admin.instances.actions import lines_of
from tasks_app.admin.shared import display
from tasks_app.admin.shared.confirmation import ask, is_confirmed, reason_of
from tasks_app.errors import NoWorkflow
from tasks_app.models import Instance


@admin.action(permissions=["control"], description="Rerun the selected instance from a task")
def rerun_instances(
    model_admin: Any, request: HttpRequest, queryset: "QuerySet[Instance]"
) -> HttpResponse | None:
    """Ask from which task, then start the new instance."""
    keys = list(queryset.values_list("pk", flat=True)[:2])
    if len(keys) != 1:
        model_admin.message_user(request, "Choose one instance to rerun.", messages.WARNING)
        return None
    # Not the list's own row: it leaves columns out.
    origin = Instance.objects.select_related("workflow", "version").get(pk=keys[0])
    if not is_confirmed(request):
        return _ask(model_admin, request, origin)
    try:
        _rerun(model_admin, request, origin)
    except CPDSError as refusal:
        return _ask(model_admin, request, origin, problem=str(refusal))
    return None


def _ask(model_admin: Any, request: HttpRequest, origin: Instance, *, problem: str = "") -> HttpResponse:
    return ask(
        model_admin,
        request,
        template="rerun",
        title=f"Rerun {origin.public_id}?",
        act="rerun",
        keys=[origin.pk],
        lines=lines_of([origin.pk]),
        problem=problem,
        tasks=[task["name"] for task in origin.definition.get("tasks", [])],
    )


def _rerun(model_admin: Any, request: HttpRequest, origin: Instance) -> None:
    # Imported late: the services read definitions with a heavy library, and every program imports the admin.
    from tasks_app.services.submit.instances import rerun_instance
    from tasks_app.services.workflows.definitions import read_params

    if origin.workflow is None or origin.version is None:
        raise NoWorkflow(instance=origin.public_id)
    pairs = [line.strip() for line in request.POST.get("params", "").splitlines() if line.strip()]
    from_task, reason = request.POST.get("from_task", ""), reason_of(request)
    new = rerun_instance(
        given=origin.public_id,
        from_task=from_task,
        params=read_params(workflow=origin.workflow.public_id, pairs=pairs, version=origin.version.number),
        by=request.user.get_username(),
        reason=reason,
    )
    why = f": {reason}" if reason else ""
    model_admin.log_change(request, origin, f"Rerun as {new} from {from_task}{why}")
    started = display.link(Instance.objects.get(public_id=new), new)
    model_admin.message_user(request, started, messages.SUCCESS)
