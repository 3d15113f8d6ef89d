"""Events as listeners hear them."""

from datetime import UTC, datetime

from workers_app.listeners.contract import Heard


def an_event(**more):
    facts = {
        "delivery_id": "0b6f",
        "event": "workflow.failed",
        "kind": "instance.failed",
        "event_id": 7,
        "happened_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "status": "failed",
        "instance_id": "inst-1",
        "workflow_id": "wf-1",
        "workflow": "nightly-etl",
        "message": "extract: exit code 1",
        "data": {"by": "ann"},
        **more,
    }
    return Heard(**facts)
