import yaml

from tests.support.builders import a_chain, a_diamond, a_fan, a_task, a_workflow, diamonds, layers


def test_a_workflow_says_what_was_asked_and_nothing_more():
    text = a_workflow(
        a_task("取数", run="echo", also={"timeout": "5s"}, table="users"),
        a_task("b", needs=["取数"]),
        name="etl",
        params={"n": 1},
    )

    assert yaml.safe_load(text) == {
        "name": "etl",
        "params": {"n": 1},
        "tasks": [
            {"name": "取数", "run": "echo", "with": {"table": "users"}, "timeout": "5s"},
            {"name": "b", "run": "noop", "needs": ["取数"]},
        ],
    }


def test_a_chain_needs_its_predecessor():
    assert [task.get("needs") for task in a_chain(3)] == [None, ["link-0"], ["link-1"]]


def test_a_fan_opens_and_closes():
    source, *blades, join = a_fan(3)

    assert all(blade["needs"] == [source["name"]] for blade in blades)
    assert join["needs"] == [blade["name"] for blade in blades]


def test_diamonds_stand_side_by_side():
    assert [task.get("needs", []) for task in a_diamond(prefix="d")][-1] == ["d-left", "d-right"]
    assert len({task["name"] for task in diamonds(5)}) == 20


def test_layers_need_the_layer_before_and_repeat_with_their_seed():
    tasks = layers(10, 20, needs=2, seed=7, longest_seconds=0.5)

    assert tasks == layers(10, 20, needs=2, seed=7, longest_seconds=0.5)
    assert len(tasks) == 200
    assert all("needs" not in task for task in tasks[:20])
    for task in tasks[20:]:
        layer = int(task["name"].split("-")[1])
        assert len(task["needs"]) == 2
        assert {int(name.split("-")[1]) for name in task["needs"]} == {layer - 1}
    assert len({task["with"]["seconds"] for task in tasks}) > 100


def test_texts_do_not_become_aliases():
    needs = ["a"]

    assert "&" not in a_workflow(a_task("b", needs=needs, also={"tags": needs}), a_task("c", needs=needs))
