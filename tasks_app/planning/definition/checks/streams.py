"""Check what needs a continuous task: it is run once for each batch, which not everything can be."""

from collections.abc import Iterator, Mapping

from tasks_app.planning.definition.checks.outline import Outline, TaskOutline
from tasks_app.planning.engine.graph import ancestors
from tasks_app.planning.source.findings import Finding
from tasks_app.planning.source.problems import shortened
from tasks_app.planning.templates.reads import read_template, templates_in

_NOT_PER_BATCH = {
    "for_each": "it is run once for each batch; let its function go through the items",
    "join": "it needs all its needs, since one of them is a stream",
}


def check_streams(outline: Outline) -> Iterator[Finding]:
    """Yield what cannot take the batches of a stream, and streams that leave no room for it."""
    streams = {task.name for task in outline.tasks if task.is_continuous and task.name is not None}
    if not streams:
        return
    needs = outline.needs()
    for task in outline.tasks:
        taken = [(path, name) for path, name in task.needs if name in streams]
        if taken:
            yield from _consumer(task, taken[0][1], needs)
        for path, name in taken[1:]:
            message = f"a task takes the batches of one stream, and {shortened(repr(name))} would be another"
            yield Finding(code="bad_combination", path=path, message=message, hint="make a task for each")
    if outline.max_parallel is not None and outline.max_parallel <= len(streams):
        message = f"the {len(streams)} continuous task(s) take every place, so nothing else would ever run"
        hint = f"expected at least {len(streams) + 1}"
        yield Finding(code="bad_combination", path=("max_parallel",), message=message, hint=hint)


def _consumer(task: TaskOutline, stream: str, needs: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    quoted = shortened(repr(stream))
    if task.is_continuous:
        message = f"a continuous task cannot take the batches of another, {quoted}"
        yield _clash(task, "mode", message, "remove mode: continuous")
    for key, why in _NOT_PER_BATCH.items():
        if key in task.given and not (key == "join" and task.join == "all"):
            yield _clash(
                task, key, f"a task that needs the stream {quoted} has no {key}: {why}", f"remove {key}"
            )
    reading = {name for _, text in templates_in(task.when) for name in read_template(text).tasks}
    if stream in reading:
        message = f"when is judged before the first batch of {quoted}, so it cannot read one"
        yield _clash(task, "when", message, "judge it in the function")
    for path, name in task.needs:
        if name != stream and stream in ancestors(needs, [name]):
            message = (
                f"{shortened(repr(name))} ends after the stream {quoted}: no batch could be taken before"
            )
            yield Finding(code="bad_combination", path=path, message=message, hint="need one of the two")


def _clash(task: TaskOutline, key: str, message: str, hint: str) -> Finding:
    return Finding(code="bad_combination", path=(*task.path, key), message=message, hint=hint, at_key=True)
