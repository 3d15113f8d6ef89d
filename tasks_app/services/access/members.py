"""Members of a project: add, change, remove. The last admin stays."""

from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from cpds.base import db
from tasks_app.errors import LastAdmin, NameInUse, NotFound
from tasks_app.models import Membership, Project
from tasks_app.roles import Role
from tasks_app.services.access.audit import note_change
from tasks_app.services.access.callers import Caller

LISTING: Final = "GET /api/v1/projects/SLUG/members"


def members_of(project: Project) -> "QuerySet[Membership]":
    """Return the members of a project with their users, by name."""
    name = f"user__{get_user_model().USERNAME_FIELD}"
    return Membership.objects.filter(project=project).select_related("user", "project").order_by(name)


def add_member(*, caller: Caller, project: Project, username: str, role: Role) -> Membership:
    """Give a user a role in a project.

    :raises NotFound: when there is no such user.
    :raises NameInUse: when the user is a member already.
    """
    caller.require(Role.ADMIN, project.pk, given=project.slug)
    user = find_user(username)
    with db.transaction():
        _locked(project)
        member, is_new = Membership.objects.get_or_create(user=user, project=project, defaults={"role": role})
        if not is_new:
            raise NameInUse(kind="member", name=username)
        note_change(
            kind="member.added", by=caller.name, project=project, subject=username, after={"role": str(role)}
        )
        member.refresh_from_db()
    return member


def change_role(*, caller: Caller, project: Project, username: str, role: Role) -> Membership:
    """Give a member another role.

    :raises NotFound: when there is no such member.
    :raises LastAdmin: when nobody else is an admin.
    """
    caller.require(Role.ADMIN, project.pk, given=project.slug)
    with db.transaction():
        _locked(project)
        member = _find(project, username)
        before = Role(member.role)
        if before != role:
            _check_that_an_admin_stays(member, becomes=role)
            member.role = role
            member.save(update_fields=["role"])
            note_change(
                kind="member.changed",
                by=caller.name,
                project=project,
                subject=username,
                before={"role": str(before)},
                after={"role": str(role)},
            )
    return member


def remove_member(*, caller: Caller, project: Project, username: str) -> None:
    """Take a user out of a project; their tokens there are good no more.

    :raises NotFound: when there is no such member.
    :raises LastAdmin: when nobody else is an admin.
    """
    caller.require(Role.ADMIN, project.pk, given=project.slug)
    with db.transaction():
        _locked(project)
        member = _find(project, username)
        _check_that_an_admin_stays(member, becomes=None)
        member.delete()
        note_change(
            kind="member.removed",
            by=caller.name,
            project=project,
            subject=username,
            before={"role": str(member.role)},
        )


def find_user(username: str) -> Any:
    """Return the user of this name.

    :raises NotFound: when there is none.
    """
    model = get_user_model()
    found = None if "\0" in username else model.objects.filter(**{model.USERNAME_FIELD: username}).first()
    if found is None:
        raise NotFound(kind="user", given=username, listing="the admin, under Users")
    return found


def _find(project: Project, username: str) -> Membership:
    found = None if "\0" in username else _called(project, username)
    if found is None:
        raise NotFound(kind="member", given=username, listing=LISTING)
    return found


def _called(project: Project, username: str) -> Membership | None:
    return members_of(project).filter(**{f"user__{get_user_model().USERNAME_FIELD}": username}).first()


def _locked(project: Project) -> None:
    """Let one change of members follow the other: two at once could each remove the other admin."""
    db.locking(Project.objects.filter(pk=project.pk)).first()


def _check_that_an_admin_stays(member: Membership, *, becomes: Role | None) -> None:
    if Role(member.role) is not Role.ADMIN or becomes is Role.ADMIN:
        return
    others = Membership.objects.filter(project=member.project, role=Role.ADMIN).exclude(pk=member.pk)
    if not others.exists():
        raise LastAdmin(user=member.user.get_username(), project=member.project.slug)
