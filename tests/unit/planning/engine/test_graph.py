from hypothesis import given
from hypothesis import strategies as st

from tasks_app.planning.engine.graph import (
    ancestor_bits,
    ancestors,
    descendants,
    find_cycles,
    remaining_path_lengths,
    topological_order,
)

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": ["d"]}


def test_each_task_comes_after_what_it_needs():
    assert topological_order({"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": []}) == ["a", "b", "c", "d"]


def test_the_remaining_path_counts_the_task_itself():
    assert remaining_path_lengths(DIAMOND) == {"a": 4, "b": 3, "c": 3, "d": 2, "e": 1}


def test_the_longest_of_several_paths_counts():
    assert remaining_path_lengths({"a": [], "b": ["a"], "c": ["a", "b"]})["a"] == 3


def test_descendants_and_ancestors_go_all_the_way():
    assert descendants(DIAMOND, ["b"]) == {"d", "e"}
    assert ancestors(DIAMOND, ["d"]) == {"a", "b", "c"}


def test_it_finds_a_cycle_whole():
    assert find_cycles(["a", "b", "c", "d"], {"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}) == [
        ["a", "b", "c"]
    ]


def test_it_finds_every_knot_once():
    needs = {"a": ["b"], "b": ["a"], "c": ["d", "a"], "d": ["c"], "e": ["e"], "f": []}

    assert find_cycles(needs, needs) == [["a", "b"], ["c", "d"], ["e"]]


def test_a_cycle_of_ten_thousand_is_found():
    names = [str(number) for number in range(10_000)]

    (cycle,) = find_cycles(names, {name: [names[(place + 1) % 10_000]] for place, name in enumerate(names)})

    assert cycle == names


def test_a_line_of_ten_thousand_is_walked():
    needs = {str(number): [str(number - 1)] if number else [] for number in range(10_000)}

    assert remaining_path_lengths(needs)["0"] == 10_000
    assert len(descendants(needs, ["0"])) == 9_999
    assert find_cycles(needs, needs) == []


GRAPHS = (
    st.integers(1, 9)
    .flatmap(
        lambda size: st.lists(
            st.lists(st.integers(0, size - 1), unique=True, max_size=4), min_size=size, max_size=size
        )
    )
    .map(lambda rows: {str(place): [str(need) for need in row] for place, row in enumerate(rows)})
)


@given(GRAPHS)
def test_a_found_cycle_closes_and_a_graph_without_one_can_be_ordered(needs):
    cycles = find_cycles(needs, needs)

    for cycle in cycles:
        assert len(set(cycle)) == len(cycle)
        assert all(
            after in needs[before] for before, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True)
        )
    assert (len(topological_order(needs)) == len(needs)) == (not cycles)


@given(GRAPHS)
def test_the_bits_are_the_ancestors(needs):
    bits, above = ancestor_bits(needs)

    for name, union in above.items():
        assert {other for other in needs if bits[other] & union} == ancestors(needs, [name])
