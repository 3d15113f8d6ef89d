"""Lists in pages: by ``limit`` and ``offset``, or by a cursor where they grow without end."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.pagination import BasePagination, LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cpds.api.errors import Flaw, InvalidInput, flaw
from cpds.api.responses.envelope import ok

ModelRow = TypeVar("ModelRow", bound=Model)
Row = TypeVar("Row")
Read_co = TypeVar("Read_co", covariant=True)
DEFAULT_LIMIT: Final = 20
LARGEST_LIMIT: Final = 100
LARGEST_OFFSET: Final = 2**31 - 1
CURSOR_PATTERN: Final = "^(k[0-9]{1,18})?$"
"""An empty one is none: the first page."""
_CURSOR = re.compile(r"k[0-9]{1,18}\Z")
_BY_KEY: Final = frozenset({"pk", "-pk"})


class Sliceable(Protocol[Read_co]):
    """What is counted and read in parts like a QuerySet, but is none."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> Iterable[Read_co]: ...


class OffsetPages(LimitOffsetPagination):
    """Pages ``{total, items, has_more}`` by ``limit`` and ``offset``: those given, or those of the query.

    :raises InvalidInput: when the query says them otherwise than in whole numbers within their bounds.
    """

    limit: int
    offset: int
    count: int
    has_more: bool

    def __init__(self, *, limit: int | None = None, offset: int = 0) -> None:
        self._given = None if limit is None else (limit, offset)

    def paginate_queryset(
        self,
        queryset: "QuerySet[Any, Row] | Sequence[Row] | Sliceable[Row]",
        request: Request,
        view: APIView | None = None,  # noqa: ARG002
    ) -> list[Row]:
        """Count the rows and return those of the page."""
        self.limit, self.offset = self._given or _limit_and_offset(request)
        self.count = queryset.count() if isinstance(queryset, QuerySet) else len(queryset)
        page = list(queryset[self.offset : self.offset + self.limit]) if self.count else []
        self.has_more = self.offset + len(page) < self.count
        return page

    def body(self, items: Iterable[Any]) -> dict[str, Any]:
        """Return the page with what is shown of its rows."""
        return {"total": self.count, "items": list(items), "has_more": self.has_more}

    def get_paginated_response(self, data: Iterable[Any]) -> Response:
        """Return the answer with what is shown of the page's rows."""
        return ok(self.body(data))


class CursorPages(BasePagination):
    """Pages ``{items, next}`` in the order of keys: from the beginning, or after the ``cursor`` of the query.

    ``next`` is the cursor of the page that follows, null at the end. Rows that are
    added meanwhile move nothing. ``limit`` is read from the query if not given.

    :raises InvalidInput: when the query has a limit out of bounds, or a cursor that is none of ours.
    """

    has_more: bool
    next: str | None

    def __init__(self, *, limit: int | None = None, ordering: str = "-pk") -> None:
        self.limit, self.ordering = limit, ordering

    def paginate_queryset(
        self,
        queryset: "QuerySet[ModelRow]",  # type: ignore[override] # what has no key has no cursor
        request: Request,
        view: APIView | None = None,  # noqa: ARG002
    ) -> list[ModelRow]:
        """Return the rows of the page."""
        limit = self.limit or _limit_and_offset(request)[0]
        return self.cut(queryset, after=_key_in(request), limit=limit)

    def cut(
        self, rows: "QuerySet[ModelRow]", *, after: int | None, limit: int, offset: int = 0
    ) -> list[ModelRow]:
        """Return up to ``limit`` rows after the key ``after``; one more is read, to know whether there is."""
        is_by_key = self.ordering in _BY_KEY
        chosen = rows.order_by(self.ordering, *([] if is_by_key else ["-pk"]))
        if after is not None:
            chosen = chosen.filter(**{"pk__lt" if self.ordering == "-pk" else "pk__gt": after})
        found = list(chosen[offset : offset + limit + 1])
        page = found[:limit]
        self.has_more = len(found) > limit
        self.next = write_cursor(page[-1].pk) if self.has_more and is_by_key else None
        return page

    def body(self, items: Iterable[Any]) -> dict[str, Any]:
        """Return the page with what is shown of its rows."""
        return {"items": list(items), "next": self.next}

    def get_paginated_response(self, data: Iterable[Any]) -> Response:
        """Return the answer with what is shown of the page's rows."""
        return ok(self.body(data))


class BrowsePages(CursorPages):
    """Pages ``{total, items, has_more, next}`` by ``limit`` and ``offset``, or after a ``cursor``.

    What comes after a cursor is not counted, so there is no ``total``. Cursors go with an
    ``ordering`` by key only (``pk`` or ``-pk``); with another, ``next`` is null.
    """

    total: int | None

    def paginate_queryset(
        self,
        queryset: "QuerySet[ModelRow]",  # type: ignore[override] # what has no key has no cursor
        request: Request,
        view: APIView | None = None,  # noqa: ARG002
    ) -> list[ModelRow]:
        """Return the rows of the page."""
        limit, offset = _limit_and_offset(request)
        after = _key_in(request)
        if after is not None and (offset or self.ordering not in _BY_KEY):
            raise flaw("?cursor", "a cursor goes without offset, and with ordering by created_at only")
        page = self.cut(queryset, after=after, limit=limit, offset=offset)
        self.total = queryset.count() if after is None else None
        return page

    def body(self, items: Iterable[Any]) -> dict[str, Any]:
        """Return the page with what is shown of its rows."""
        total = {} if self.total is None else {"total": self.total}
        return {**total, "items": list(items), "has_more": self.has_more, "next": self.next}


def write_cursor(key: int) -> str:
    """Return the cursor of what comes after the row with this key."""
    return f"k{key}"


def _key_in(request: Request) -> int | None:
    given = request.query_params.get("cursor")
    if not given:
        return None
    if _CURSOR.match(given):
        return int(given[1:])
    raise flaw("?cursor", "this is no cursor: use the `next` of the page before")


def _limit_and_offset(request: Request) -> tuple[int, int]:
    flaws: list[Flaw] = []
    limit = _number(request, "limit", default=DEFAULT_LIMIT, allowed=(1, LARGEST_LIMIT), flaws=flaws)
    offset = _number(request, "offset", default=0, allowed=(0, LARGEST_OFFSET), flaws=flaws)
    if flaws:
        raise InvalidInput(flaws=flaws)
    return limit, offset


def _number(request: Request, name: str, *, default: int, allowed: tuple[int, int], flaws: list[Flaw]) -> int:
    least, most = allowed
    given = request.query_params.get(name)
    if given is None:
        return default
    if given.isascii() and given.isdigit() and len(given) <= 10 and least <= int(given) <= most:
        return int(given)
    detail = f"expected a whole number from {least} to {most}"
    flaws.append(Flaw(pointer=f"?{name}", code="invalid", detail=detail))
    return default
