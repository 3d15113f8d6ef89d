"""What the schema says of a door: its envelope, its parameters, and how it refuses."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers

from cpds.api.responses.envelope import CLASSIC, NATIVE, Envelope
from cpds.api.responses.paging import CURSOR_PATTERN, DEFAULT_LIMIT, LARGEST_LIMIT, LARGEST_OFFSET

Method = TypeVar("Method", bound=Callable[..., Any])
Shape = (
    type[serializers.BaseSerializer[Any]]
    | serializers.BaseSerializer[Any]
    | serializers.Field[Any, Any, Any, Any]
)


class AnyValue(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Any JSON value. Of a field that allows null the library would say that it allows nothing else."""

    target_class = "rest_framework.fields.JSONField"
    match_subclasses = True

    def map_serializer_field(self, _auto_schema: Any, _direction: Any) -> dict[str, Any]:
        """Return a schema that everything fits, and to which null may be added."""
        return {"anyOf": [{}]}


class FlawShape(serializers.Serializer[Any]):
    """One thing wrong with a request."""

    pointer = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)


class Refusal(serializers.Serializer[Any]):
    """Why a request was refused; ``code`` is the HTTP status."""

    code = serializers.IntegerField()
    message = serializers.CharField(allow_blank=True)
    errors = FlawShape(many=True)  # type: ignore[assignment]
    request_id = serializers.CharField(allow_blank=True)


class ClassicRefusal(Refusal):
    """The same under ``/api`` without a version."""

    success = serializers.BooleanField()
    error = serializers.CharField(allow_blank=True)


PROJECT = OpenApiParameter(
    "X-CPDS-Project", str, OpenApiParameter.HEADER, description="The slug of the project that is meant."
)
KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The same key and body again are answered as the first time.",
    pattern=r"^[\x21-\x7e]{1,200}$",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The ETag of the answer before."
)
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag of what was read; 412 when it is another."
)
ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200], description="Stands for what is answered."
)
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT},
    OpenApiParameter.QUERY,
)
OFFSET = OpenApiParameter(
    "offset",
    {"type": "integer", "minimum": 0, "maximum": LARGEST_OFFSET, "default": 0},
    OpenApiParameter.QUERY,
)
CURSOR = OpenApiParameter(
    "cursor",
    {"type": "string", "pattern": CURSOR_PATTERN},
    OpenApiParameter.QUERY,
    description="The `next` of the page before.",
)


def documented(
    summary: str,
    *,
    answer: Shape | None = None,
    status: int = 200,
    body: Any = None,
    query: Sequence[OpenApiParameter | type[serializers.Serializer[Any]]] = (),
    beside: Mapping[str, Any] | None = None,
    creates: bool = False,
    polled: bool = False,
    versioned: bool = False,
    or_status: int | None = None,
    description: str = "",
    envelope: Envelope = NATIVE,
    tags: Sequence[str] | None = None,
    raw: Any = None,
    operation_id: str | None = None,
) -> Callable[[Method], Method]:
    """Describe a method of a door for the schema.

    ``answer`` is the shape of ``data``, ``beside`` are fields next to it, ``body`` the form
    of the request or a mapping of media types to forms. ``creates``: it takes an
    ``Idempotency-Key``. ``polled``: it answers ``If-None-Match``. ``versioned``: its ``ETag``
    is for an ``If-Match``. ``or_status``: another status with the same answer. ``raw`` replaces
    the enveloped answer.

    The method is marked with the keys that its ``query`` may have, as ``query_keys``.
    """
    refusal = ClassicRefusal if envelope is CLASSIC else Refusal
    shown: Any = raw
    if raw is None and status != 204:
        shown = enveloped(answer, beside=beside, envelope=envelope)
    done = OpenApiResponse(shown) if shown is not None else OpenApiResponse(description="Done.")
    described = extend_schema(
        summary=summary,
        description=description or None,
        request=body,
        parameters=[
            *(*query, PROJECT),
            *([KEY] if creates else []),
            *([IF_NONE_MATCH] if polled else []),
            *([ETAG] if polled or versioned else []),
        ],
        responses={
            status: done,
            **({or_status: done} if or_status else {}),
            **({304: OpenApiResponse(description="Nothing has changed.")} if polled else {}),
            "4XX": OpenApiResponse(refusal, description="Refused; the sentence says what to do."),
        },
        tags=list(tags) if tags else None,
        operation_id=operation_id,
    )
    keys = _keys_of(query)

    def marked(method: Method) -> Method:
        found: Method = described(method)
        found.query_keys = keys  # type: ignore[attr-defined]
        return found

    return marked


def enveloped(
    answer: Shape | None, *, beside: Mapping[str, Any] | None = None, envelope: Envelope = NATIVE
) -> Any:
    """Return the shape of an answer whose ``data`` has the shape ``answer``."""
    fields: dict[str, Any] = (
        {"success": serializers.BooleanField(), "message": serializers.CharField(required=False)}
        if envelope is CLASSIC
        else {"code": serializers.IntegerField(), "message": serializers.CharField()}
    )
    if answer is not None:
        fields["data"] = answer() if isinstance(answer, type) else answer
    fields |= dict(beside or {})
    is_classic = "Classic" if envelope is CLASSIC else ""
    return _made(f"{_name_of(answer, beside)}{is_classic}Answer", fields)


def listed(item: type[serializers.BaseSerializer[Any]]) -> Any:
    """Return the shape of a page by ``limit`` and ``offset``."""
    name = item.__name__
    fields = {
        "total": serializers.IntegerField(min_value=0),
        "items": item(many=True),
        "has_more": serializers.BooleanField(),
    }
    return _made(f"{name}Page", fields)


def browsable(item: type[serializers.BaseSerializer[Any]]) -> Any:
    """Return the shape of a page by ``limit`` and ``offset``, or by ``cursor``."""
    fields = {
        "total": serializers.IntegerField(min_value=0, required=False, help_text="left out after a cursor"),
        "items": item(many=True),
        "has_more": serializers.BooleanField(),
        "next": serializers.CharField(allow_null=True),
    }
    return inline_serializer(name=f"{item.__name__}BrowsePage", fields=fields)


def streamed(item: type[serializers.BaseSerializer[Any]]) -> Any:
    """Return the shape of a page by ``cursor``."""
    fields = {"items": item(many=True), "next": serializers.CharField(allow_null=True)}
    return _made(f"{item.__name__}CursorPage", fields)


_shapes: dict[str, Any] = {}


def _keys_of(query: Sequence[OpenApiParameter | type[serializers.Serializer[Any]]]) -> frozenset[str]:
    keys: set[str] = set()
    for each in query:
        if isinstance(each, type):
            keys |= each().fields.keys()
        elif each.location == OpenApiParameter.QUERY:
            keys.add(each.name)
    return frozenset(keys)


def _made(name: str, fields: dict[str, Any]) -> Any:
    """Return the shape of this name, the same one each time: a name in the schema means one shape."""
    if name not in _shapes:
        _shapes[name] = inline_serializer(name=name, fields=dict(fields))
    known = type(_shapes[name])
    if set(known._declared_fields) != set(fields):  # noqa: SLF001
        raise ValueError(f"Two shapes are called {name}; name one otherwise.")
    return known()


def _name_of(answer: Any, beside: Mapping[str, Any] | None) -> str:
    more = "".join(word.capitalize() for word in beside or ())
    if answer is None:
        return f"Empty{more}"
    if isinstance(answer, type):
        return f"{answer.__name__}{more}"
    if isinstance(answer, serializers.ListSerializer):
        return f"{type(answer.child).__name__}List{more}"
    return f"{type(answer).__name__}{more}"
