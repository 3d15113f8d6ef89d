"""What a person names is found, or said to be unknown, whatever they typed."""

import pytest

from tasks_app.errors import AmbiguousId, NotFound
from tasks_app.models import Instance, Workflow
from tasks_app.services.lookup.by_name import find_instance, find_workflow
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.workflows.definitions import read_params
from tasks_app.services.workflows.removal import delete_workflow
from tests.support.builders import a_task
from tests.support.engine import an_instance

pytestmark = pytest.mark.django_db
UNKNOWN = [
    "",
    " ",
    "wf-",
    "inst-",
    "nobody",
    "wf-nobody",
    "%",
    "_",
    "wf-%",
    "inst-_",
    "\x00",
    "a\x00b",
    "by-\x00name",
]
UNKNOWN += ["\udcff", "汉字", "x" * 10_000, "'; --", "\\"]


@pytest.fixture
def instance(doorbell):
    return an_instance(a_task("only"), name="by-name")


def named(instance, public_id):
    Instance.objects.filter(pk=instance.pk).update(public_id=public_id)
    return Instance.objects.get(pk=instance.pk)


@pytest.mark.parametrize("given", UNKNOWN)
def test_what_nobody_is_called_is_not_found(instance, given):
    for find in (find_workflow, find_instance):
        with pytest.raises(NotFound):
            find(given=given)


@pytest.mark.parametrize("given", ["nobody", "\x00", "\udcff"])
def test_every_service_says_so(instance, given):
    for act in (
        lambda: submit_instance(workflow=given),
        lambda: read_params(workflow=given, pairs=[]),
        lambda: delete_workflow(given=given),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_whole_id_goes_before_a_name(instance):
    other = an_instance(a_task("only"), name=instance.workflow.public_id)

    assert find_workflow(given=instance.workflow.public_id) == instance.workflow
    assert other.workflow != instance.workflow


def test_a_workflow_is_found_by_name_id_and_start(instance):
    workflow = Workflow.objects.get()

    for given in ("by-name", workflow.public_id, workflow.public_id[:8], workflow.public_id[3:9]):
        assert find_workflow(given=given) == workflow


def test_an_instance_is_found_by_id_and_start(instance):
    for given in (instance.public_id, instance.public_id[:9], instance.public_id[5:]):
        assert find_instance(given=given) == instance


def test_a_start_that_fits_several_is_ambiguous(instance, doorbell):
    first, second = named(instance, "inst-aaa1"), named(an_instance(a_task("other")), "inst-aaa2")

    with pytest.raises(AmbiguousId) as ambiguous:
        find_instance(given="inst-aaa")

    assert first.public_id in str(ambiguous.value)
    assert second.public_id in str(ambiguous.value)


def test_a_whole_id_wins_over_longer_ones(instance, doorbell):
    first = named(instance, "inst-aaa")
    named(an_instance(a_task("other")), "inst-aaa2")

    assert find_instance(given="inst-aaa") == first


def test_a_whole_id_wins_over_any_number_of_longer_ones(instance, doorbell):
    first = named(instance, "inst-aaa")
    for number in range(8):
        named(an_instance(a_task(f"other-{number}")), f"inst-aaa{number}")

    assert find_instance(given="aaa") == first
