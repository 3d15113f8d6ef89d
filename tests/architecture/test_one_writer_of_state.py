"""Tasks and instances change state in one file, so that no change can miss the table or its event."""

import ast
import re

from tests.architecture.sources import PRODUCT, ROOT, dotted, listed, name_of, nodes, python_files

THE_WRITERS = frozenset({"tasks_app/models/moves.py"})
STATUS = "status"
# The status of an execution record, a worker or a contract is no state of the table: services write it.
NO_STATE_OF_THE_TABLE = re.compile(r"^(ExecutionRecord|Worker|Contract)\b")
MODELS_ROOM = re.compile(r"^(tasks_app|workers_app)/models/")
UPDATE_IN_SQL = re.compile(r"\bUPDATE\b.*\bSET\b[^;]*\bstatus\b\s*=", re.IGNORECASE | re.DOTALL)


def writes_of_status(tree_nodes, *, in_models):
    """Return the line of everything that writes the status of a row."""
    return [
        node.lineno
        for node in tree_nodes
        if _assigns(node, in_models=in_models) or _updates(node) or _sets_by_name(node) or _is_sql(node)
    ]


def _assigns(node, *, in_models):
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        targets = [node.target]
    else:
        return False
    found = [
        target
        for outer in targets
        for target in ast.walk(outer)
        if isinstance(target, ast.Attribute) and target.attr == STATUS
    ]
    return any(in_models or dotted(target.value) != "self" for target in found)


def _updates(node):
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if NO_STATE_OF_THE_TABLE.match(dotted(node.func)):
        return False
    if node.func.attr in {"update", "aupdate"}:
        return any(keyword.arg == STATUS for keyword in node.keywords) or _mentions_key(node)
    if node.func.attr in {"bulk_update", "abulk_update", "save", "asave"}:
        return _mentions(node)
    return node.func.attr in {"update_or_create", "aupdate_or_create"} and _mentions(node)


def _mentions(node):
    return any(isinstance(inner, ast.Constant) and inner.value == STATUS for inner in ast.walk(node))


def _mentions_key(node):
    keys = (key for inner in ast.walk(node) if isinstance(inner, ast.Dict) for key in inner.keys)
    return any(isinstance(key, ast.Constant) and key.value == STATUS for key in keys)


def _sets_by_name(node):
    return isinstance(node, ast.Call) and dotted(node.func) == "setattr" and _mentions(node)


def _is_sql(node):
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and bool(UPDATE_IN_SQL.search(node.value))
    )


WAYS_AROUND = [
    "task.status = TaskState.FAILED",
    "task.status: str = 'failed'",
    "a, task.status = 1, 2",
    "Task.objects.filter(pk=1).update(status='failed')",
    "Task.objects.update(**{'status': 'failed'})",
    "Task.objects.bulk_update(tasks, ['status'])",
    "Task.objects.update_or_create(pk=1, defaults={'status': 'failed'})",
    "task.save(update_fields=['status'])",
    "setattr(task, 'status', 'failed')",
    "cursor.execute('UPDATE tasks_app_task SET wake_at = NULL, status = %s')",
]
WHAT_ONLY_READS = [
    "Task.objects.filter(status='failed').update(wake_at=None)",
    "ExecutionRecord.objects.filter(task_id=1).update(status='lost')",
    "self.status = 404",
    "status = task.status",
    "cursor.execute('SELECT 1 FROM tasks_app_task WHERE status = %s')",
]


def test_status_is_written_by_the_moves_only():
    found = [
        f"{name_of(file)}:{line}"
        for file in python_files("tasks_app", "workers_app")
        if name_of(file) not in THE_WRITERS
        for line in writes_of_status(nodes(file), in_models=bool(MODELS_ROOM.match(name_of(file))))
    ]

    assert not found, listed(found)


def test_sql_stands_with_the_models_where_a_test_compares_it_with_the_moves():
    found = {name_of(file.parent) for package in PRODUCT for file in (ROOT / package).rglob("*.sql")}

    assert found == {"tasks_app/models/sql", "workers_app/models/sql"}


def test_the_writers_exist_and_write():
    files = {name_of(file): file for file in python_files("tasks_app")}
    idle = [name for name in THE_WRITERS if '"status": to' not in files[name].read_text(encoding="utf-8")]

    assert not idle, listed(idle)


def noticed_in(line, *, in_models=False):
    return writes_of_status(ast.walk(ast.parse(line)), in_models=in_models)


def test_each_way_around_the_moves_is_noticed():
    missed = [line for line in WAYS_AROUND if noticed_in(line) != [1]]

    assert not missed, listed(missed)


def test_what_only_reads_the_state_is_let_be():
    accused = [line for line in WHAT_ONLY_READS if noticed_in(line)]

    assert not accused, listed(accused)


def test_a_model_may_not_even_write_its_own():
    assert noticed_in("self.status = 'failed'", in_models=True) == [1]
