"""What the schema says of an endpoint: its envelope, its parameters, and how it refuses."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar, get_args, get_origin

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from msgspec import UNSET, Meta, UnsetType
from rest_framework import serializers

from cpds.api.responses.envelope import COMPAT, NATIVE, CompatRefusal, Envelope, Refusal
from cpds.api.responses.paging import CURSOR_PATTERN, DEFAULT_LIMIT, LARGEST_LIMIT, LARGEST_OFFSET
from cpds.api.schema.components import component_name
from cpds.base.view import Count, View, ViewMeta

Method = TypeVar("Method", bound=Callable[..., Any])
Answer = Any
"""A view, or a list or a dict of them: ``TaskView``, ``list[TaskView]``."""


class AnyValue(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Any JSON value. Of a field that allows null the library would say that it allows nothing else."""

    target_class = "rest_framework.fields.JSONField"
    match_subclasses = True

    def map_serializer_field(self, _auto_schema: Any, _direction: Any) -> dict[str, Any]:
        """Return a schema that everything fits, and to which null may be added."""
        return {"anyOf": [{}]}


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
    answer: Answer | None = None,
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
    """Describe a method of an endpoint for the schema.

    ``answer`` is what ``data`` holds, ``beside`` are fields next to it, ``body`` the form
    of the request or a mapping of media types to forms. ``creates``: it takes an
    ``Idempotency-Key``. ``polled``: it answers ``If-None-Match``. ``versioned``: its ``ETag``
    is for an ``If-Match``. ``or_status``: another status with the same answer. ``raw`` replaces
    the enveloped answer.

    The method is marked with the keys that its ``query`` may have, as ``query_keys``.
    """
    refusal = CompatRefusal if envelope is COMPAT else Refusal
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
    answer: Answer | None, *, beside: Mapping[str, Any] | None = None, envelope: Envelope = NATIVE
) -> type[View]:
    """Return the view of an answer whose ``data`` is ``answer``."""
    fields: dict[str, Any] = (
        {"success": bool, "message": str | UnsetType} if envelope is COMPAT else {"code": int, "message": str}
    )
    if answer is not None:
        fields["data"] = answer
    is_compat = "Compat" if envelope is COMPAT else ""
    return _made(f"{_name_of(answer, beside)}{is_compat}Answer", fields | dict(beside or {}))


def listed(item: type[View]) -> type[View]:
    """Return the view of a page by ``limit`` and ``offset``."""
    return _made(f"{_name_of(item)}Page", {"total": Count, "items": list[item], "has_more": bool})  # type: ignore[valid-type]


def browsable(item: type[View]) -> type[View]:
    """Return the view of a page by ``limit`` and ``offset``, or by ``cursor``."""
    fields = {
        "total": Annotated[Count, Meta(description="left out after a cursor")] | UnsetType,
        "items": list[item],  # type: ignore[valid-type]
        "has_more": bool,
        "next": str | None,
    }
    return _made(f"{_name_of(item)}BrowsePage", fields)


def streamed(item: type[View]) -> type[View]:
    """Return the view of a page by ``cursor``."""
    return _made(f"{_name_of(item)}CursorPage", {"items": list[item], "next": str | None})  # type: ignore[valid-type]


_views: dict[str, tuple[dict[str, Any], type[View]]] = {}


def _keys_of(query: Sequence[OpenApiParameter | type[serializers.Serializer[Any]]]) -> frozenset[str]:
    keys: set[str] = set()
    for each in query:
        if isinstance(each, type):
            keys |= each().fields.keys()
        elif each.location == OpenApiParameter.QUERY:
            keys.add(each.name)
    return frozenset(keys)


def _made(name: str, fields: dict[str, Any]) -> type[View]:
    """Return the view of this name, the same one each time: a name in the schema means one view."""
    if name not in _views:
        unset = {key: UNSET for key, held in fields.items() if UnsetType in get_args(held)}
        members = {"__module__": __name__, "__annotations__": fields, **unset}
        _views[name] = fields, ViewMeta(name, (View,), members)
    known_fields, view = _views[name]
    if known_fields != fields:
        raise ValueError(f"Two views are called {name}; name one otherwise.")
    return view


def _name_of(answer: Answer | None, beside: Mapping[str, Any] | None = None) -> str:
    more = "".join(word.capitalize() for word in beside or ())
    if answer is None:
        return f"Empty{more}"
    origin: object = get_origin(answer)
    if origin is list:
        return f"{component_name(get_args(answer)[0].__name__)}List{more}"
    if origin is dict:
        return f"Object{more}"
    return f"{component_name(answer.__name__)}{more}"
