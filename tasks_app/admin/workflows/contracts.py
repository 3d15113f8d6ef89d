"""Contracts of features and the versions they have had; they are written through the API."""

from django.contrib import admin

from tasks_app.admin.shared.base import ReadOnlyAdmin, at
from tasks_app.models import Contract, ContractVersion

_SAID = ("api", "database", "frontend", "created_by", "approved_by")


@admin.register(Contract)
class ContractAdmin(ReadOnlyAdmin):
    """Contracts as they stand."""

    list_display = (
        "public_id",
        "feature_name",
        "feature_id",
        "version",
        "status",
        "created_by",
        "project",
        at("updated_at"),
    )
    list_filter = ("status", "project", "created_at")
    list_select_related = ("project",)
    search_fields = ("feature_name", "=feature_id", "^public_id")
    search_help_text = "A part of a feature's name, a whole feature id, or the start of a contract's id"
    date_hierarchy = "created_at"
    ordering = ("-id",)
    fields = (
        "public_id",
        "project",
        "feature_id",
        "feature_name",
        "version",
        "status",
        *_SAID,
        at("created_at"),
        at("updated_at"),
    )


@admin.register(ContractVersion)
class ContractVersionAdmin(ReadOnlyAdmin):
    """Versions that others have replaced."""

    list_display = ("contract", "number", "status", "created_by", at("replaced_at"))
    list_filter = ("status", "replaced_at")
    list_select_related = ("contract",)
    search_fields = ("contract__feature_name", "=contract__feature_id", "^contract__public_id")
    date_hierarchy = "replaced_at"
    ordering = ("-id",)
    fields = ("contract", "number", "status", *_SAID, at("replaced_at"))
