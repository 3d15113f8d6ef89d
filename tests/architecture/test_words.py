"""One word for each idea, and the field's: what modules, classes and functions may be called."""

import ast
import re

from tests.architecture.sources import PRODUCT, name_of, nodes, python_files

RETIRED = {
    "almighty": "installation_admin",
    "attendance": "control_poll",
    "audience": "subscriptions",
    "bell": "periodic_task, beat_sync",
    "bells": "periodic_task, beat_sync",
    "classic": "compat",
    "door": "endpoint, entry point, queue",
    "doors": "endpoint, entry point, queue",
    "duty": "admission",
    "fullness": "capacity",
    "kin": "instance_tree",
    "news": "update, outbox",
    "passage": "GateResult",
    "roster": "describe_workers",
    "sighting": "DescribedWorker",
    "situation": "snapshot",
    "speech": "attempt_log",
    "steer": "control",
    "steered": "controlled",
    "steering": "control",
    "tending": "waits",
    "turns": "throttle",
}
"""Words of our own that nobody would look for, each with the one to use. Part of no name."""

RETIRED_NAMES = {
    "Act": "Action",
    "Hand": "LiveWorker",
    "How": "Options",
    "Look": "Snapshot",
    "NotTaken": "Declined",
    "Taken": "Accepted, or what was taken",
    "_call_back": "_unqueue_all",
    "_say_who": "move_with_audit",
    "_surely": "_claim_idempotently",
    "did": "run_chore",
    "expiry": "garbage",
    "find_http_worker": "get_http_worker",
    "finding": "resolve",
    "gate_door": "gates_for_http",
    "handing_on": "return_message",
    "hands_for": "eligible_workers",
    "hear": "apply_update",
    "let_go_of": "acknowledge_stop",
    "one_more": "reserve_slot",
    "pass_gates": "evaluate_gates",
    "put_back": "unadmit",
    "read_roster": "describe_fleet",
    "room_holds": "capacity",
    "roots": "template_context",
    "seek_http_worker": "get_http_worker_or_none",
    "settling": "watermark",
    "sight": "describe_workers",
    "storable": "sanitize",
    "taking": "intake",
    "tell_others": "advance_dependents",
    "undelivered": "outbox_sweep",
    "unused": "garbage",
}
"""Names that say little by themselves, each with the one to use."""

ALLOWED_NAMES = {("tasks_app/models/delivery.py", "undelivered")}
"""Where a retired name is the plain word: rows that are not delivered yet."""

ROOMS = (
    "tasks_app/services",
    "tasks_app/planning",
    "tasks_app/canvas",
    "workers_app/agents",
    "workers_app/attempts",
    "workers_app/celery",
    "workers_app/executors",
    "workers_app/fleet",
    "workers_app/listeners",
    "workers_app/transports",
)
WORDS = frozenset(
    """
    abilities access addresses admission advance agents alarm answer answers api approval approvals
    arguments asgi assigning attempt attempts audit audited autoscale autoshutdown batches beat buffer
    bulk by callers cancellation cancelling canvas capacity catalog celery checkpoints checks child
    children chores claims combinations command comparison compensate compensation consumers context
    contract contracts control conversation cron decisions definition definitions deliver deliveries
    demand describe destinations diff dispatch durations email engine errors evaluate event events
    exchange executor executors explain fences fields findings firing fleet flusher for foreign forms
    from function garbage gates graph guardian history holds hooks http idempotency ids inputs instance
    instances intake item items join joining keeper lease leases ledger limits listeners lists log
    logins long lookup loop loose maintenance materialize members message messages moments moves name
    names network notify offers operations operators orphans out outbox outcomes outline output overdue
    overview param params perform performing phrases plan planning pointers policy poll polling polls
    port posting presence prices problems processes progress projects prune publish publishing pump
    python queries queues reads record recording redelivery references registry rehearsal release
    removal rendering reopening reply reports request requirements resources retry retrying return roles
    rows ruling running saga sandbox sanitize scalars scaling schedule schedules schema script secrets
    selection serve server services setting shape shares shell slots snapshot source spec stopped
    stopping stored stream streaming streams submit subscriptions sweep sync task tasks template
    templates text throttle timers tokens transports tree types undo validation values verify views
    waiting waits wakeup waking watching watermark webhook why window words workers workflows workspaces
    writing written yaml
    """.split()  # noqa: SIM905
)
"""What modules of the engine are called after. A new word is a decision: add it, or take one of these."""


def parts(name):
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)}


def names():
    """Yield the file and name of every module, class and function of the product."""
    for file in python_files(*PRODUCT):
        yield file, file.parent.name if file.name == "__init__.py" else file.stem
        for node in nodes(file):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield file, node.name


def test_no_retired_word_is_part_of_a_name():
    found = {
        f"{name_of(file)}: {name}": RETIRED[word]
        for file, name in names()
        for word in parts(name) & RETIRED.keys()
    }

    assert found == {}


def test_no_retired_name_is_in_use():
    found = {
        f"{name_of(file)}: {name}": RETIRED_NAMES[name]
        for file, name in names()
        if name in RETIRED_NAMES and (name_of(file), name) not in ALLOWED_NAMES
    }

    assert found == {}


def test_modules_of_the_engine_are_called_by_words_in_use():
    unknown = {
        f"{name_of(file)}: {word}"
        for file in python_files(*ROOMS)
        for word in parts(file.parent.name if file.name == "__init__.py" else file.stem) - WORDS
    }

    assert unknown == set()


def test_no_word_is_kept_that_nobody_uses():
    used = {
        word
        for file in python_files(*ROOMS)
        for word in parts(file.parent.name if file.name == "__init__.py" else file.stem)
    }

    assert set() == WORDS - used


def test_no_word_is_both_retired_and_in_use():
    assert WORDS & (RETIRED.keys() | RETIRED_NAMES.keys()) == set()
