"""What really travels: chains as chain, joins as chord, and ids alone."""

import base64
import json
from typing import Any

import pytest
import redis

from tasks_app.models import Task
from tests.support.builders import a_chain, a_task
from tests.support.engine import an_instance
from tests.support.servers import Broker

pytestmark = pytest.mark.broker
ORDINARY = "cpds\x06\x166"
"""Where Redis keeps the messages of the queue that overtake nobody: the priority follows its name."""


def published(broker: Broker) -> list[dict[str, Any]]:
    """Return the messages in the queue, oldest first, with their arguments, embedded canvas and headers."""
    with redis.Redis(unix_socket_path=str(broker.socket)) as client:
        raw = client.lrange(ORDINARY, 0, -1)
    messages = []
    for each in reversed(raw):
        envelope = json.loads(each)
        args, kwargs, embed = json.loads(base64.b64decode(envelope["body"]))
        messages.append({"args": args, "kwargs": kwargs, "embed": embed, "headers": envelope["headers"]})
    return messages


def test_a_line_of_tasks_travels_as_a_chain(database_url: str, broker: Broker):
    instance = an_instance(*a_chain(4))

    (message,) = published(broker)

    ids = list(Task.objects.filter(instance=instance).order_by("position").values_list("pk", flat=True))
    assert message["kwargs"]["task_id"] == ids[0]
    followers = [link["kwargs"]["task_id"] for link in reversed(message["embed"]["chain"])]
    assert followers == ids[1:]


def test_a_join_travels_as_the_body_of_a_chord(database_url: str, broker: Broker):
    instance = an_instance(a_task("left"), a_task("right"), a_task("join", needs=["left", "right"]))

    messages = published(broker)

    join = Task.objects.get(instance=instance, name="join")
    assert len(messages) == 2
    for message in messages:
        assert message["embed"]["chord"]["kwargs"]["task_id"] == join.pk


def test_all_tasks_of_a_canvas_share_its_dispatch_id(database_url: str, broker: Broker):
    an_instance(a_task("left"), a_task("right"), a_task("join", needs=["left", "right"]))

    dispatches = {
        step["kwargs"]["dispatch_id"]
        for message in published(broker)
        for step in (message, message["embed"]["chord"])
    }

    assert len(dispatches) == 1
    assert set(Task.objects.values_list("dispatch_id", flat=True)) == dispatches


def test_a_message_carries_ids_and_nothing_else(database_url: str, broker: Broker):
    an_instance(a_task("secretive", run="echo", word="confidential"))

    (message,) = published(broker)

    assert message["args"] == []
    assert set(message["kwargs"]) == {"task_id", "dispatch_id"}
    assert "confidential" not in json.dumps(message)


def test_no_more_than_the_window_is_out(database_url: str, broker: Broker):
    instance = an_instance(*(a_task(f"t{number}") for number in range(100)))

    out = Task.objects.filter(instance=instance, status="queued").count()

    assert out == len(published(broker)) == 16
    assert Task.objects.backlog().filter(instance=instance).count() == 84


def test_a_fan_wider_than_the_window_is_planned_task_by_task(database_url: str, broker: Broker):
    instance = an_instance(
        *(a_task(f"t{n}") for n in range(200)), a_task("join", needs=[f"t{n}" for n in range(200)])
    )

    assert all(not message["embed"]["chord"] for message in published(broker))
    assert Task.objects.filter(instance=instance, status="queued").count() == 16
