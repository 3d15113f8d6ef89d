"""Projects: create, change."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from cpds.base import db
from tasks_app.errors import Forbidden, NameInUse
from tasks_app.models import Project
from tasks_app.roles import Role
from tasks_app.services.access.audit import differences, note_change
from tasks_app.services.access.callers import Caller

CHANGEABLE: Final = ("name", "max_parallel", "weight")


def project_keys(slugs: Collection[str]) -> dict[str, int]:
    """Return the keys of those of these projects that there are, by slug; asks nothing for none."""
    if not slugs:
        return {}
    return dict(Project.objects.filter(slug__in=sorted(slugs)).values_list("slug", "pk"))


def create_project(
    *, caller: Caller, slug: str, name: str, max_parallel: int | None = None, weight: int = 1
) -> Project:
    """Make a project. Its slug stands in addresses and never changes.

    :raises Forbidden: for anybody but a superuser.
    :raises NameInUse: when there is one of this slug.
    """
    if not caller.is_installation_admin:
        raise Forbidden(needed="superuser", where="", caller=caller.name, has="not")
    facts = {"name": name, "max_parallel": max_parallel, "weight": weight}
    with db.transaction():
        project, is_new = Project.objects.get_or_create(slug=slug, defaults=facts)
        if not is_new:
            raise NameInUse(kind="project", name=slug)
        project.refresh_from_db()
        note_change(kind="project.created", by=caller.name, project=project, subject=slug, after=facts)
    return project


def change_project(*, caller: Caller, project: Project, changes: Mapping[str, Any]) -> Project:
    """Change a project's name or limits: ``name``, ``max_parallel`` (None: no limit), ``weight``.

    :raises Forbidden: for less than an admin of it.
    """
    caller.require(Role.ADMIN, project.pk, given=project.slug)
    with db.transaction():
        row = db.locking(Project.objects.all()).get(pk=project.pk)
        wanted = {name: changes[name] for name in CHANGEABLE if name in changes}
        before, after = differences(before={name: getattr(row, name) for name in CHANGEABLE}, after=wanted)
        if after:
            for name, value in after.items():
                setattr(row, name, value)
            row.save(update_fields=list(after))
            note_change(
                kind="project.changed",
                by=caller.name,
                project=row,
                subject=row.slug,
                before=before,
                after=after,
            )
    return row
