"""Visitors of the admin."""

import pytest
from django.contrib.auth.models import Permission

from tasks_app.canvas import publish
from tests.support.doorbell import Doorbell


@pytest.fixture
def doorbell(monkeypatch):
    """Take everything that is published."""
    bell = Doorbell()
    monkeypatch.setattr(publish, "publish", bell.publish)
    return bell


@pytest.fixture
def staff_client(client, django_user_model):
    """Log in a member of staff who may do only what is named, everywhere: ``staff_client("view_task")``."""

    def logged_in(*permissions):
        user = django_user_model.objects.create_user("staff", password="x", is_staff=True)
        for name in ("see_all_projects", *permissions):
            user.user_permissions.add(Permission.objects.get(codename=name))
        client.force_login(user)
        return client

    return logged_in
