"""The admin's site: its pages show the rows of all projects, so it is for those who may see them."""

from typing import Final

from django.contrib.admin import AdminSite
from django.http import HttpRequest

SEE_ALL: Final = "tasks_app.see_all_projects"


class OperatorsAdmin(AdminSite):
    """Lets superusers in, and staff who were given that permission; tables ask for their own besides."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether somebody may see any page."""
        return super().has_permission(request) and request.user.has_perm(SEE_ALL)
