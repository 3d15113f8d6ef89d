"""What the doors of people and projects show: functions from rows to plain values, and their shapes."""

from typing import Any

from rest_framework import serializers

from tasks_app.models import ApiToken, Membership, Project
from tasks_app.roles import Role, TokenKind

ROLES = [role.value for role in Role]


class ProjectShape(serializers.Serializer[Any]):
    """A project. ``role`` is the caller's own there."""

    slug = serializers.CharField()
    name = serializers.CharField()
    max_parallel = serializers.IntegerField(allow_null=True)
    weight = serializers.IntegerField()
    role = serializers.ChoiceField(choices=ROLES, allow_null=True)
    created_at = serializers.DateTimeField()


class MemberShape(serializers.Serializer[Any]):
    """A member of a project."""

    username = serializers.CharField()
    role = serializers.ChoiceField(choices=ROLES)
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class TokenShape(serializers.Serializer[Any]):
    """An API token, without its secret."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in TokenKind])
    name = serializers.CharField()
    prefix = serializers.CharField()
    username = serializers.CharField(allow_null=True)
    project = serializers.CharField(allow_null=True)
    role = serializers.ChoiceField(choices=ROLES)
    pool = serializers.CharField(allow_blank=True)
    created_by = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class NewTokenShape(TokenShape):
    """An API token just made; ``token`` is the secret, null when the answer is a repeated one."""

    token = serializers.CharField(allow_null=True)


def project_view(row: Project, *, role: Role | None) -> dict[str, Any]:
    """Return what is shown of a project."""
    return {
        "slug": row.slug,
        "name": row.name,
        "max_parallel": row.max_parallel,
        "weight": row.weight,
        "role": role,
        "created_at": row.created_at,
    }


def member_view(row: Membership) -> dict[str, Any]:
    """Return what is shown of a member."""
    return {
        "username": row.user.get_username(),
        "role": row.role,
        "is_active": row.user.is_active,
        "created_at": row.created_at,
    }


def token_view(row: ApiToken) -> dict[str, Any]:
    """Return what is shown of a token."""
    return {
        "id": row.pk,
        "kind": row.kind,
        "name": row.name,
        "prefix": row.prefix,
        "username": row.user.get_username() if row.user else None,
        "project": row.project.slug if row.project else None,
        "role": row.role,
        "pool": row.pool,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at,
    }
