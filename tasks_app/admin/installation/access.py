"""Who may come in: members, tokens, logins, and answers kept for requests that come again.

All of it is changed by the API and the command line, which write it into the ledger.
"""

from django.contrib import admin

from tasks_app.admin.shared import display
from tasks_app.admin.shared.base import ReadOnlyAdmin, at
from tasks_app.models import ApiToken, IdempotencyKey, Login, Membership


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who belongs to a project."""

    list_display = ("user", "project", "role", at("created_at"))
    list_filter = ("project", "role")
    list_select_related = ("user", "project")
    search_fields = ("user__username", "project__slug")
    date_hierarchy = "created_at"
    ordering = ("project", "user")
    fields = ("user", "project", "role", at("created_at"))


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens, without their secrets."""

    list_display = (
        "name",
        "prefix",
        "kind",
        "user",
        "project",
        "role",
        at("expires_at"),
        at("last_used_at"),
        at("revoked_at"),
    )
    list_filter = ("kind", "project", "role")
    list_select_related = ("user", "project")
    search_fields = ("name", "prefix", "user__username", "project__slug")
    date_hierarchy = "created_at"
    ordering = ("-id",)
    fields = (
        *("name", "prefix", "kind", "user", "project", "role", "pool", "created_by"),
        *(at("created_at"), at("expires_at"), at("last_used_at"), at("revoked_at")),
    )


@admin.register(Login)
class LoginAdmin(ReadOnlyAdmin):
    """Logins by the API; each lasts as long as it is refreshed."""

    list_display = ("user", "address", at("created_at"), at("expires_at"), at("revoked_at"))
    list_filter = ("revoked_at",)
    list_select_related = ("user",)
    search_fields = ("user__username", "address")
    date_hierarchy = "created_at"
    ordering = ("-id",)
    fields = ("user", "address", at("created_at"), at("expires_at"), at("revoked_at"))


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    """Answers that are kept for requests that come again."""

    list_display = ("act", "key", "scope", "http_status", at("created_at"), at("expires_at"))
    list_filter = ("http_status",)
    search_fields = ("key", "act", "scope")
    date_hierarchy = "created_at"
    ordering = ("-id",)
    fields = ("act", "key", "scope", "http_status", "location", "kept", at("created_at"), at("expires_at"))

    @admin.display(description="answer")
    def kept(self, obj: IdempotencyKey) -> str:
        """Show the answer."""
        return display.text(obj.answer)
