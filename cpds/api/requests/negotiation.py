"""JSON for everybody; the browsable API for staff with a browser."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BrowsableAPIRenderer


class JSONUnlessBrowsed(DefaultContentNegotiation):
    """An ``Accept`` that cannot be met is answered in JSON all the same: every client reads that."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:  # noqa: ARG002
        """Return the browsable renderer for a browser of staff, else the first."""
        if "text/html" in request.headers.get("Accept", "") and _is_staff(request):
            for renderer in renderers:
                if isinstance(renderer, BrowsableAPIRenderer):
                    return renderer, "text/html"
        return renderers[0], renderers[0].media_type


def _is_staff(request: Any) -> bool:
    return bool(getattr(getattr(request._request, "user", None), "is_staff", False))  # noqa: SLF001
