"""What a contract may say: the shape of its parts, and what it needs before it is approved. Pure.

Keys beyond these are kept as they are: a contract is a document, and people
write more into it than programs read.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tasks_app.outcomes import JSON
from tasks_app.planning.definition.spec_errors import findings_of
from tasks_app.planning.source.findings import Finding
from tasks_app.planning.source.pointers import PointedProblem, pointer_of
from tasks_app.planning.source.problems import described
from tasks_app.planning.values.values import NotJSONError, as_json

PARTS: Final = ("api", "database", "frontend")
INVOLVES: Final[Mapping[str, str]] = {"backend": "api", "database": "database", "frontend": "frontend"}
"""Which part a feature that involves something gets."""
GENERATED_BY: Final = "mike_pm"

Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class ApiError(_Part):
    """An error that the API answers with."""

    code: int | Word
    message: str = ""
    when: str = ""


class ApiPart(_Part):
    """The API's part: one route."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"^/")]
    request: JSON = None
    response: JSON = None
    errors: list[ApiError] = []


class DatabaseField(_Part):
    """A column."""

    name: Word
    type: Word
    required: bool = False
    unique: bool = False


class DatabaseIndex(_Part):
    """An index over columns."""

    fields: Annotated[list[Word], Field(min_length=1)]
    unique: bool = False


class DatabasePart(_Part):
    """The database's part: one table."""

    table: Word
    fields: list[DatabaseField] = []
    indexes: list[DatabaseIndex] = []


class FrontendState(_Part):
    """A state that the page keeps."""

    name: Word
    type: Word


class FrontendEvent(_Part):
    """Something that happens on the page, and what answers to it."""

    name: Word
    handler: Word
    params: list[JSON] = []


class FrontendPart(_Part):
    """The frontend's part: one page."""

    page: Word
    components: list[JSON] = []
    states: list[FrontendState] = []
    events: list[FrontendEvent] = []


class _Feature(_Part):
    feature_id: Word
    feature_name: Word


_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "api": ApiPart,
    "database": DatabasePart,
    "frontend": FrontendPart,
}


def check_feature(*, feature_id: JSON, feature_name: JSON) -> list[PointedProblem]:
    """Return what is wrong with what a contract is about."""
    return _problems(_Feature, {"feature_id": feature_id, "feature_name": feature_name}, ())


def check_parts(parts: Mapping[str, JSON]) -> list[PointedProblem]:
    """Return what is wrong with the shape of the parts that are there."""
    found: list[PointedProblem] = []
    for name, value in parts.items():
        if value is None:
            continue
        try:
            found += _problems(_MODELS[name], as_json(value, path=name), (name,))
        except NotJSONError as error:
            found.append(PointedProblem(pointer=f"/{name}", code="not_json", message=str(error).rstrip(".")))
    return found


def check_complete(parts: Mapping[str, JSON]) -> list[PointedProblem]:
    """Return everything that keeps a contract from being agreed on: wrong shapes, and what is missing."""
    return check_parts(parts) or list(_missing(parts))


def generated_parts(*, feature_id: str, name: str, module: str, involves: list[str]) -> dict[str, JSON]:
    """Return the parts to begin the contract of a feature with: one for each thing it involves."""
    begun: dict[str, dict[str, Any]] = {
        "api": {"method": "POST", "path": f"/api/{feature_id}", "request": {}, "response": {}, "errors": []},
        "database": {"table": module, "fields": []},
        "frontend": {"page": name, "components": [], "states": []},
    }
    wanted = {INVOLVES[each] for each in involves}
    return {part: begun[part] if part in wanted else None for part in PARTS}


def _missing(parts: Mapping[str, JSON]) -> Iterator[PointedProblem]:
    if all(parts.get(name) is None for name in PARTS):
        yield PointedProblem(
            pointer="", code="empty", message="a contract has an api, a database or a frontend part"
        )
    api, database = parts.get("api"), parts.get("database")
    if api is not None and api.get("response") is None:
        yield PointedProblem(pointer="/api/response", code="missing_key", message="API response is required")
    if database is not None and not database.get("fields"):
        yield PointedProblem(
            pointer="/database/fields", code="missing_key", message="database fields are required"
        )


def _problems(model: type[BaseModel], value: JSON, path: tuple[str, ...]) -> list[PointedProblem]:
    if not isinstance(value, dict):
        message = f"expected a mapping, found {described(value)}"
        return [PointedProblem(pointer=pointer_of(path), code="wrong_type", message=message)]
    try:
        model.model_validate(value)
    except ValidationError as error:
        return [_pointed(each, path) for each in findings_of(error, value)]
    return []


def _pointed(finding: Finding, path: tuple[str, ...]) -> PointedProblem:
    pointer = pointer_of((*path, *finding.path))
    return PointedProblem(pointer=pointer, code=finding.code, message=finding.message, hint=finding.hint)
