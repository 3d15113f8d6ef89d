"""Lists in pages: by ``limit`` and ``offset``, or by a cursor where they grow without end."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.request import Request

from cpds.api.errors import Flaw, InvalidInput, flaw

Row = TypeVar("Row", bound=Model)
DEFAULT_LIMIT: Final = 20
LARGEST_LIMIT: Final = 100
LARGEST_OFFSET: Final = 2**31 - 1
_CURSOR = re.compile(r"k[0-9]{1,18}\Z")


@dataclass(frozen=True, kw_only=True)
class Page:
    """Which part of a list is asked for."""

    limit: int
    offset: int


def page_of(request: Request) -> Page:
    """Return the page that ``limit`` (1 to 100, 20) and ``offset`` (0) ask for.

    :raises InvalidInput: when one of them is something else.
    """
    flaws: list[Flaw] = []
    limit = _number(request, "limit", default=DEFAULT_LIMIT, allowed=(1, LARGEST_LIMIT), flaws=flaws)
    offset = _number(request, "offset", default=0, allowed=(0, LARGEST_OFFSET), flaws=flaws)
    if flaws:
        raise InvalidInput(flaws=flaws)
    return Page(limit=limit, offset=offset)


def limit_of(request: Request) -> int:
    """Return the ``limit`` asked for (1 to 100, 20)."""
    return page_of(request).limit


def paged_together(
    rows: "QuerySet[Row]", *, page: Page, shown: Callable[[list[Row]], Iterable[dict[str, Any]]]
) -> dict[str, Any]:
    """Return ``{total, items, has_more}`` like ``paged``; ``shown`` shows a whole page of rows at once."""
    total = rows.count()
    found = list(rows[page.offset : page.offset + page.limit]) if total else []
    return {"total": total, "items": list(shown(found)), "has_more": page.offset + len(found) < total}


def paged(rows: "QuerySet[Row]", *, page: Page, view: Callable[[Row], dict[str, Any]]) -> dict[str, Any]:
    """Return ``{total, items, has_more}``: the page of ``rows``, each shown by ``view``."""
    total = rows.count()
    items = [view(row) for row in rows[page.offset : page.offset + page.limit]] if total else []
    return {"total": total, "items": items, "has_more": page.offset + len(items) < total}


def continued(
    rows: "QuerySet[Row]", *, request: Request, shown: Callable[[list[Row]], Iterable[dict[str, Any]]]
) -> dict[str, Any]:
    """Return ``{items, next}``: the newest rows by key, or those after the ``cursor`` given.

    ``next`` is the cursor of the page that follows, null at the end. Rows that are
    added meanwhile move nothing. ``shown`` makes a page's rows into views.
    """
    limit = limit_of(request)
    after = cursor_of(request)
    chosen = rows.order_by("-pk") if after is None else rows.filter(pk__lt=after).order_by("-pk")
    found = list(chosen[: limit + 1])
    more = len(found) > limit
    page = found[:limit]
    return {"items": list(shown(page)), "next": write_cursor(page[-1].pk) if more else None}


def browsed(
    rows: "QuerySet[Row]",
    *,
    request: Request,
    shown: Callable[[list[Row]], Iterable[dict[str, Any]]],
    ordering: str = "-pk",
) -> dict[str, Any]:
    """Return ``{total, items, has_more, next}``: a page by ``limit`` and ``offset``, or after ``cursor``.

    What comes after a cursor is not counted, so there is no ``total``. Cursors go with
    ``ordering`` by key only (``pk`` or ``-pk``); with another, ``next`` is null.
    """
    page, after = page_of(request), cursor_of(request)
    is_by_key = ordering in {"pk", "-pk"}
    if after is not None and (page.offset or not is_by_key):
        raise flaw("?cursor", "a cursor goes without offset, and with ordering by created_at only")
    chosen = rows.order_by(ordering, *([] if is_by_key else ["-pk"]))
    if after is not None:
        chosen = chosen.filter(**{"pk__lt" if ordering == "-pk" else "pk__gt": after})
    found = list(chosen[page.offset : page.offset + page.limit + 1])
    items, more = found[: page.limit], len(found) > page.limit
    return {
        **({"total": rows.count()} if after is None else {}),
        "items": list(shown(items)),
        "has_more": more,
        "next": write_cursor(items[-1].pk) if more and is_by_key else None,
    }


def cursor_of(request: Request) -> int | None:
    """Return the key that the ``cursor`` of a request holds; None without one.

    :raises InvalidInput: when it is none of ours.
    """
    given = request.query_params.get("cursor")
    if not given:
        return None
    if _CURSOR.match(given):
        return int(given[1:])
    raise flaw("?cursor", "this is no cursor: use the `next` of the page before")


def write_cursor(key: int) -> str:
    """Return the cursor of what comes after the row with this key."""
    return f"k{key}"


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
