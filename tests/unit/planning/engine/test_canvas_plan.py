"""The frontier is cut into lines and groups by the shape of the graph alone."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tasks_app.planning.engine.canvas_plan import Canvas, Node, plan_canvases
from tasks_app.planning.engine.shape import shapes

Needs = dict[str, list[str]]


def nodes_of(needs: Needs) -> dict[str, Node]:
    return {
        name: Node(
            task_id=number,
            stage=shape.stage,
            stage_position=shape.stage_position,
            meets=shape.meets,
            fan_in=shape.fan_in,
        )
        for number, (name, shape) in enumerate(shapes(needs).items())
    }


def planned(needs: Needs, *, ready: list[str], done: tuple[str, ...] = (), room: int = 99, piece: int = 25):
    nodes = nodes_of(needs)
    names = {node.task_id: name for name, node in nodes.items()}
    near = [node for name, node in nodes.items() if name not in ready and name not in done]
    canvases = plan_canvases(heads=[nodes[name] for name in ready], near=near, room=room, piece=piece)
    return [
        Canvas(
            lines=tuple(tuple(names[task] for task in line) for line in canvas.lines),
            body=tuple(names[task] for task in canvas.body),
        )
        for canvas in canvases
    ]


def test_a_straight_line_is_one_chain():
    needs = {"a": [], "b": ["a"], "c": ["b"]}

    assert planned(needs, ready=["a"]) == [Canvas(lines=(("a", "b", "c"),))]


def test_a_long_line_is_cut_into_pieces():
    needs = {"t0": [], **{f"t{n}": [f"t{n - 1}"] for n in range(1, 10)}}

    assert planned(needs, ready=["t0"], piece=4) == [Canvas(lines=(("t0", "t1", "t2", "t3"),))]
    assert planned(needs, ready=["t8"], done=tuple(f"t{n}" for n in range(8)), piece=4) == [
        Canvas(lines=(("t8", "t9"),))
    ]


def test_lines_that_meet_in_one_join_are_a_group_with_the_join_as_its_body():
    needs = {"left": [], "left2": ["left"], "right": [], "join": ["left2", "right"], "end": ["join"]}

    assert planned(needs, ready=["left", "right"]) == [
        Canvas(lines=(("left", "left2"), ("right",)), body=("join", "end"))
    ]


def test_a_group_whose_join_needs_something_else_goes_out_as_single_lines():
    needs = {"left": [], "right": [], "slow": [], "join": ["left", "right", "slow"]}

    assert planned(needs, ready=["left", "right"], done=("slow",)) == [
        Canvas(lines=(("left",),)),
        Canvas(lines=(("right",),)),
    ]


def test_a_group_too_wide_for_the_window_goes_out_as_single_lines_as_far_as_there_is_room():
    needs = {**{f"t{n}": [] for n in range(5)}, "join": [f"t{n}" for n in range(5)]}

    canvases = planned(needs, ready=[f"t{n}" for n in range(5)], room=3)

    assert canvases == [Canvas(lines=((f"t{n}",),)) for n in range(3)]


def test_a_line_too_long_for_one_piece_does_not_join_a_group():
    needs = {"a0": [], "a1": ["a0"], "a2": ["a1"], "b": [], "join": ["a2", "b"]}

    canvases = planned(needs, ready=["a0", "b"], piece=2)

    assert canvases == [Canvas(lines=(("a0", "a1"),)), Canvas(lines=(("b",),))]


def test_urgent_heads_go_out_first():
    needs = {"low": [], "high": []}

    assert planned(needs, ready=["high", "low"], room=1) == [Canvas(lines=(("high",),))]


@st.composite
def graphs(draw: st.DrawFn) -> Needs:
    size = draw(st.integers(1, 25))
    return {
        f"t{n}": sorted(draw(st.sets(st.sampled_from([f"t{m}" for m in range(n)]), max_size=3))) if n else []
        for n in range(size)
    }


@given(graphs(), st.integers(1, 30), st.integers(1, 6), st.booleans())
def test_every_plan_keeps_the_rules(needs: Needs, room: int, piece: int, chords: bool):
    nodes = nodes_of(needs)
    names = {node.task_id: name for name, node in nodes.items()}
    ready = [name for name, needed in needs.items() if not needed]
    near = [nodes[name] for name in needs if name not in ready]

    canvases = plan_canvases(
        heads=[nodes[name] for name in ready], near=near, room=room, piece=piece, chords=chords
    )

    carried = [task for canvas in canvases for task in (*canvas.heads, *canvas.planned)]
    assert len(carried) == len(set(carried)), "a task travels twice"
    assert sum(len(canvas.heads) for canvas in canvases) <= room
    assert sum(len(canvas.heads) for canvas in canvases) >= min(1, len(ready)), "nothing goes out"
    for canvas in canvases:
        assert bool(canvas.body) <= (len(canvas.lines) > 1)
        assert len(canvas.lines) == 1 or canvas.body
        for line in (*canvas.lines, *((canvas.body,) if canvas.body else ())):
            assert len(line) <= piece
            for before, after in itertools.pairwise(line):
                assert needs[names[after]] == [names[before]]
        if canvas.body:
            assert sorted(needs[names[canvas.body[0]]]) == sorted(names[line[-1]] for line in canvas.lines)
