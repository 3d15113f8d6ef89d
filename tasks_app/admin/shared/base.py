"""What every admin of CPDS has in common: lean lists, read-only pages, sections under a page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import JSONField, Model, QuerySet, TextField
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse

from tasks_app.admin.shared import display
from tasks_app.admin.shared.sections import Section

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin

EXCERPT_CHARACTERS: Final = 120
"""How much of a long text a list shows; the database sends no more than that."""


NOT_SET: Final[tuple[Any, ...]] = (None, "", {}, [])


def at(name: str) -> Any:  # Any: Django takes functions for fields, which its stubs do not know
    """Return a column that shows a time to the second, which Django's own does not."""

    @admin.display(description=name.removesuffix("_at"), ordering=name)
    def column(row: Any) -> str:
        return display.moment(getattr(row, name))

    # The admin makes a class for style sheets of it.
    column.__name__ = name
    return column


def long_columns(model: type[Model], *, related: Sequence[str] = ()) -> Iterator[str]:
    """Yield the text and JSON columns of a model and of what is joined to it: what a list must not load."""
    paths = {"": model}
    for path in related:
        joined, prefix = model, ""
        for name in path.split("__"):
            joined = joined._meta.get_field(name).related_model  # type: ignore[assignment]  # noqa: SLF001
            prefix += f"{name}__"
            paths[prefix] = joined
    for prefix, each in paths.items():
        for field in each._meta.concrete_fields:  # noqa: SLF001
            if isinstance(field, TextField | JSONField):
                yield prefix + field.name


def excerpted(rows: QuerySet[Any], *names: str, related: Sequence[str] = ()) -> QuerySet[Any]:
    """Load no long column, but the beginning of these: each as ``<name>_excerpt``."""
    beginnings = {f"{name}_excerpt": Left(name, EXCERPT_CHARACTERS) for name in names}
    lean: QuerySet[Any] = rows.defer(*long_columns(rows.model, related=related)).annotate(**beginnings)
    return lean


def remember(row: Model, **facts: Any) -> None:
    """Attach what one statement found for a whole page to a row of it."""
    row.__dict__.update(facts)


def recall(row: Model, name: str) -> Any:
    """Return what was attached to a row or annotated on it; None when nothing was."""
    return row.__dict__.get(name)


class LeanChangeList(ChangeList):
    """A list that leaves long columns in the database and asks for the rest once per page."""

    model_admin: "CPDSAdmin"

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        """Return the rows, with the beginnings of long texts in place of the texts."""
        rows = super().get_queryset(request, exclude_parameters)
        joined = self.list_select_related if not isinstance(self.list_select_related, bool) else ()
        return excerpted(rows, *self.model_admin.excerpts, related=joined)

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, then what belongs beside its rows."""
        super().get_results(request)
        rows = list(self.result_list)
        self.model_admin.look_up(rows)
        self.result_list = rows


class CPDSAdmin(_ModelAdmin):
    """A model's admin. ``excerpts`` names the long texts of which lists show the beginning."""

    excerpts: ClassVar[tuple[str, ...]] = ()
    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    actions: Any = None
    empty_value_display = display.NOTHING
    change_form_template = "tasks_app/admin/page.html"

    class Media:
        css: ClassVar = {"all": ["tasks_app/admin.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002
        """Return the kind of list."""
        return LeanChangeList

    def look_up(self, rows: list[Any]) -> None:
        """Attach to the rows of a page what their columns need, in a fixed number of statements."""

    def sections(self, request: HttpRequest, obj: Any) -> list[Section]:  # noqa: ARG002
        """Return the tables under the fields of an object's page."""
        return []

    def render_change_form(  # noqa: PLR0917 - Django's own signature
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any | None = None,
    ) -> HttpResponse:
        """Add the sections to the page."""
        context["sections"] = self.sections(request, obj) if obj is not None else []
        return super().render_change_form(request, context, add, change, form_url, obj)


class ReadOnlyAdmin(CPDSAdmin):
    """For what the services write: to be seen by those who may, and changed by nobody here.

    ``optional`` names the columns without which a titled part of the page is left out.
    """

    optional: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def get_fieldsets(self, request: HttpRequest, obj: Any | None = None) -> Any:
        """Return the parts of the page that have something to show."""
        parts = super().get_fieldsets(request, obj)
        return [part for part in parts if obj is None or self._has_something(obj, str(part[0] or ""))]

    def _has_something(self, obj: Any, title: str) -> bool:
        columns = self.optional.get(title)
        return columns is None or any(getattr(obj, each) not in NOT_SET for each in columns)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody adds a row by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:  # noqa: ARG002
        """Nobody changes a row by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:  # noqa: ARG002
        """Nobody deletes a row by hand."""
        return False


def may_view(request: HttpRequest, model: type[Model]) -> bool:
    """Return whether the visitor may see this model: a page must not show what a list would refuse."""
    options = model._meta  # noqa: SLF001
    user = request.user
    return any(
        user.has_perm(f"{options.app_label}.{verb}_{options.model_name}") for verb in ("view", "change")
    )
