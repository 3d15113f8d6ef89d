"""Which instances the tasks of an instance started, by how they stand."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from tasks_app.models import Instance
from tasks_app.models.instance import InstanceQuerySet
from tasks_app.states import InstanceState

AT_ONCE: Final = 500
"""How many keys one statement names."""


def unfinished_children(instance_id: int) -> list[str]:
    """Return the ids of the children that have not ended."""
    return _ids(Instance.objects.unfinished().filter(parent_task__instance_id=instance_id))


def running_children(instance_id: int) -> list[str]:
    """Return the ids of the children that run."""
    return _ids(Instance.objects.filter(parent_task__instance_id=instance_id, status=InstanceState.RUNNING))


def children_paused_with(instance_id: int) -> list[str]:
    """Return the ids of the children that were paused with this instance, and not on their own."""
    return _ids(
        Instance.objects.filter(
            parent_task__instance_id=instance_id, status=InstanceState.PAUSED, paused_with_parent=True
        )
    )


def descendants(instance_id: int) -> set[int]:
    """Return the keys of the instances that an instance's tasks started, that theirs started, and so on."""
    found: set[int] = set()
    parents = {instance_id}
    while parents:
        children = Instance.objects.filter(parent_task__instance_id__in=parents)
        parents = set(children.values_list("pk", flat=True)) - found
        found |= parents
    return found


def in_pieces(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield these keys in pieces that one statement may name."""
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]


def families(roots: Collection[int]) -> dict[int, list[int]]:
    """Return by each of these instances the keys of all that its tasks started, deepest first, and it."""
    found = {root: [root] for root in roots}
    root_of = {root: {root} for root in found}
    level = list(found)
    while level:
        below: list[int] = []
        of_root: dict[int, set[int]] = {}
        for piece in in_pieces(level):
            children = Instance.objects.filter(parent_task__instance_id__in=piece).order_by("-pk")
            for child, parent in children.values_list("pk", "parent_task__instance_id"):
                below.append(child)
                of_root[child] = root_of[parent]
        for child in below:
            for root in of_root[child]:
                found[root].append(child)
        level, root_of = below, of_root
    return {root: keys[::-1] for root, keys in found.items()}


def ancestors(instance_id: int) -> list[int]:
    """Return the keys of the instance whose task started this one, of the one around that, and so on."""
    found: list[int] = []
    parent: int | None = instance_id
    while parent is not None:
        parent = (
            Instance.objects.filter(pk=parent, parent_task__isnull=False)
            .values_list("parent_task__instance_id", flat=True)
            .first()
        )
        if parent is not None:
            found.append(parent)
    return found


def unfinished_among(keys: Collection[int]) -> bool:
    """Return whether any of these instances has not ended."""
    return Instance.objects.unfinished().filter(pk__in=keys).exists()


def _ids(instances: InstanceQuerySet) -> list[str]:
    return list(instances.order_by("pk").values_list("public_id", flat=True))
