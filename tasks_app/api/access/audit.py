"""What people did, as a list and as a file."""

from typing import Final

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cpds.api.requests.forms import Form, read_query
from cpds.api.responses import exports
from cpds.api.responses.envelope import Refusal
from cpds.api.responses.paging import CursorPages
from cpds.api.schema.documentation import CURSOR, LIMIT, PROJECT, documented, streamed
from cpds.base.view import JSONObject, Time, View
from tasks_app.api.base import Endpoint
from tasks_app.errors import Forbidden
from tasks_app.models import Event
from tasks_app.roles import Role
from tasks_app.services.access.audit_log import audit_rows

ROWS_IN_A_FILE: Final = 10_000


class AuditQuery(Form):
    """Which of it."""

    actor = serializers.CharField(max_length=200, required=False, help_text="who did it")
    via = serializers.ChoiceField(choices=["api", "admin", "cli"], required=False)
    kind = serializers.RegexField(
        r"^[a-z_]{1,40}(\.[a-z_]{1,40})?$",
        required=False,
        help_text="member.added, or member for all of them",
    )
    subject = serializers.CharField(max_length=200, required=False, help_text="what was changed")
    instance = serializers.CharField(max_length=40, required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class FileQuery(AuditQuery):
    """Which of it, and in which form."""

    format = serializers.ChoiceField(choices=["csv", "jsonl"], default="csv")


class AuditView(View):
    """Something a person did: from where, to what, before and after."""

    id: int
    happened_at: Time
    kind: str
    actor: str
    via: str
    address: str
    project: str | None
    instance: str | None
    task: str | None
    subject: str
    message: str
    before: JSONObject
    after: JSONObject
    data: JSONObject


def audit_view(row: Event) -> AuditView:
    """Return what is shown of an event of the audit."""
    data = dict(row.data)
    return AuditView(
        id=row.pk,
        happened_at=row.happened_at,
        kind=row.kind,
        actor=str(data.pop("by", "")),
        via=str(data.pop("via", "")),
        address=str(data.pop("address", "")),
        project=row.project.slug if row.project else None,
        instance=row.instance.public_id if row.instance else data.pop("instance", None),
        task=row.task.name if row.task else data.pop("task", None),
        subject=str(data.pop("subject", "")),
        message=row.message,
        before=data.pop("before", {}),
        after=data.pop("after", {}),
        data=data,
    )


class _AuditEndpoint(Endpoint):
    needs = {"GET": Role.ADMIN}

    def governed(self) -> frozenset[int] | None:
        """Return the keys of the projects that the caller may look into; None: everything."""
        projects = self.projects()
        if projects is None:
            return None
        mine = frozenset(key for key in projects if self.caller.may(Role.ADMIN, key))
        if not mine:
            raise Forbidden(
                needed=str(Role.ADMIN), where=" in this project", caller=self.caller.name, has="less"
            )
        return mine


class Audit(_AuditEndpoint):
    """``/api/v1/audit``."""

    @documented("List what people did", answer=streamed(AuditView), query=[AuditQuery, LIMIT, CURSOR])
    def get(self, request: Request) -> HttpResponseBase:
        """List what people did, newest first."""
        rows = audit_rows(projects=self.governed(), **read_query(request, AuditQuery))
        pages = CursorPages()
        return pages.get_paginated_response(map(audit_view, pages.paginate_queryset(rows, request)))


class AuditFile(_AuditEndpoint):
    """``/api/v1/audit/export``."""

    @extend_schema(
        summary="Export what people did",
        parameters=[FileQuery, CURSOR, PROJECT],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/x-ndjson"): OpenApiTypes.STR,
            "4XX": OpenApiResponse(Refusal),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Give up to 10,000 rows as a file, newest first; the header X-Next-Cursor leads to the following."""
        wanted = read_query(request, FileQuery, also=frozenset({"project", "cursor"}))
        form = wanted.pop("format")
        rows = audit_rows(projects=self.governed(), **wanted)
        pages = CursorPages(limit=ROWS_IN_A_FILE)
        shown = map(audit_view, pages.paginate_queryset(rows, request))
        answer = (
            exports.as_csv(shown, columns=AuditView.__struct_fields__, name="audit")
            if form == "csv"
            else exports.as_json_lines(shown, name="audit")
        )
        if pages.next is not None:
            answer[exports.NEXT_CURSOR] = pages.next
        return answer
