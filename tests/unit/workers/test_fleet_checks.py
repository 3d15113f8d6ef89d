"""What is declared of a worker is checked before it starts."""

import pytest

from workers_app.checks import check_capabilities, check_worker_projects


def found(settings, check, **overrides):
    settings.CPDS = {**settings.CPDS, **overrides}
    return [problem.id for problem in check()]


@pytest.mark.parametrize("word", ["GPU", "a b", "x+y", "a|b", "é", "gpu\n", ""])
def test_a_capability_that_no_task_could_require(settings, word):
    assert found(settings, check_capabilities, capabilities=["gpu", word]) == ["cpds.E007"]


@pytest.mark.parametrize("limits", [{"gpu": 0}, {"gpu": "2"}, {"gpu": True}, {"gpu": None}, {"G": 1}])
def test_a_limit_that_is_none(settings, limits):
    assert found(settings, check_capabilities, capability_limits=limits) == ["cpds.E008"]


@pytest.mark.parametrize("slug", ["my garden", "a/b", "é", "x" * 65])
def test_a_project_that_there_cannot_be(settings, slug):
    assert found(settings, check_worker_projects, worker_projects=["garden", slug]) == ["cpds.E009"]


def test_what_is_well_declared(settings):
    well = {"capabilities": ["gpu", "licence.x"], "capability_limits": {"gpu": 2}, "worker_projects": ["a-b"]}
    assert found(settings, check_capabilities, **well) == []
    assert found(settings, check_worker_projects, **well) == []
