"""Projects and their members."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.forms import Form, read_body
from cpds.api.responses.envelope import created, no_content, ok
from cpds.api.responses.paging import OffsetPages
from cpds.api.schema.documentation import LIMIT, OFFSET, documented, listed
from tasks_app.api.access.views import ROLES, MemberView, ProjectView, member_view, project_view
from tasks_app.api.base import Endpoint
from tasks_app.api.idempotency import once
from tasks_app.api.permissions import SIGNED_IN, SUPERUSER
from tasks_app.models import Project
from tasks_app.roles import Role
from tasks_app.services.access import members, projects
from tasks_app.services.access.callers import find_project


class LimitsForm(Form):
    """What may be changed of a project."""

    name = serializers.CharField(max_length=200, required=False)
    max_parallel = serializers.IntegerField(min_value=1, max_value=1_000_000, allow_null=True, required=False)
    weight = serializers.IntegerField(min_value=1, max_value=1000, required=False)


class NewProjectForm(LimitsForm):
    """A project to be made."""

    slug = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=200)


class RoleForm(Form):
    """A role."""

    role = serializers.ChoiceField(choices=ROLES)


class NewMemberForm(RoleForm):
    """A user who becomes a member."""

    username = serializers.CharField(max_length=150)


class Projects(Endpoint):
    """``/api/v1/projects``."""

    needs = {"GET": SIGNED_IN, "POST": SUPERUSER}

    @documented("List projects", answer=listed(ProjectView), query=[LIMIT, OFFSET])
    def get(self, request: Request) -> Response:
        """List the caller's projects, by slug."""
        rows = self.caller.scope(Project.objects.order_by("slug"), "pk")
        pages = OffsetPages()
        return pages.get_paginated_response(map(self._view, pages.paginate_queryset(rows, request)))

    @documented("Make a project", answer=ProjectView, body=NewProjectForm, status=201, creates=True)
    def post(self, request: Request) -> Response:
        """Make a project."""
        form = read_body(request, NewProjectForm)

        def make() -> Response:
            project = projects.create_project(caller=self.caller, **form)
            return created(self._view(project), location=f"/api/v1/projects/{project.slug}")

        return once(self, make)

    def _view(self, row: Project) -> ProjectView:
        return project_view(row, role=self.caller.role_in(row.pk))


class OneProject(Endpoint):
    """``/api/v1/projects/{slug}``."""

    needs = {"GET": Role.VIEWER, "PATCH": Role.ADMIN}

    @documented("Show a project", answer=ProjectView)
    def get(self, request: Request, slug: str) -> Response:  # noqa: ARG002
        """Show a project."""
        return self._answer(find_project(caller=self.caller, slug=slug))

    @documented("Change a project", answer=ProjectView, body=LimitsForm)
    def patch(self, request: Request, slug: str) -> Response:
        """Change a project's name or limits."""
        form = read_body(request, LimitsForm)
        found = find_project(caller=self.caller, slug=slug)
        return self._answer(projects.change_project(caller=self.caller, project=found, changes=form))

    def _answer(self, row: Project) -> Response:
        return ok(project_view(row, role=self.caller.role_in(row.pk)))


class Members(Endpoint):
    """``/api/v1/projects/{slug}/members``."""

    needs = {"GET": Role.VIEWER, "POST": Role.ADMIN}

    @documented("List members", answer=listed(MemberView), query=[LIMIT, OFFSET])
    def get(self, request: Request, slug: str) -> Response:
        """List the members of a project, by name."""
        rows = members.members_of(project=find_project(caller=self.caller, slug=slug))
        pages = OffsetPages()
        return pages.get_paginated_response(map(member_view, pages.paginate_queryset(rows, request)))

    @documented("Add a member", answer=MemberView, body=NewMemberForm, status=201, creates=True)
    def post(self, request: Request, slug: str) -> Response:
        """Give a user a role in a project."""
        form = read_body(request, NewMemberForm)
        project = find_project(caller=self.caller, slug=slug)

        def add() -> Response:
            member = members.add_member(
                caller=self.caller, project=project, username=form["username"], role=Role(form["role"])
            )
            place = f"/api/v1/projects/{project.slug}/members/{member.user.get_username()}"
            return created(member_view(member), location=place)

        return once(self, add)


class OneMember(Endpoint):
    """``/api/v1/projects/{slug}/members/{username}``."""

    needs = {"PATCH": Role.ADMIN, "DELETE": Role.ADMIN}

    @documented("Change a member's role", answer=MemberView, body=RoleForm)
    def patch(self, request: Request, slug: str, username: str) -> Response:
        """Give a member another role."""
        role = Role(read_body(request, RoleForm)["role"])
        project = find_project(caller=self.caller, slug=slug)
        row = members.change_role(caller=self.caller, project=project, username=username, role=role)
        return ok(member_view(row))

    @documented("Remove a member", status=204)
    def delete(self, request: Request, slug: str, username: str) -> Response:  # noqa: ARG002
        """Take a user out of a project."""
        project = find_project(caller=self.caller, slug=slug)
        members.remove_member(caller=self.caller, project=project, username=username)
        return no_content()
