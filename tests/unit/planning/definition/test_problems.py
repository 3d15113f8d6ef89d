from tasks_app.planning.source.problems import Problem, Suggestions, described, format_path


def test_a_problem_reads_as_a_sentence_with_its_place():
    problem = Problem("wrong_type", "expected text, found 3", 12, 5, "tasks[3].timeout", "put it in quotes")

    assert str(problem) == "line 12, column 5: tasks[3].timeout: expected text, found 3 (put it in quotes)"


def test_a_problem_without_a_place_leaves_it_out():
    assert (
        str(Problem("bad_param", "a value is required", None, None, "params.n"))
        == "params.n: a value is required"
    )


def test_a_problem_is_json():
    assert Problem("c", "m", 1, 2, "p", "h").to_json() == {
        "code": "c", "message": "m", "line": 1, "column": 2, "path": "p", "hint": "h",
    }  # fmt: skip


def test_a_path_quotes_what_is_no_plain_word():
    assert format_path(("tasks", 3, "with", "a b", "提示")) == "tasks[3].with['a b'].提示"


def test_a_long_value_is_shortened():
    assert len(described("x" * 10**6)) < 80
    assert described(10**5000) == "a very long number"


def test_it_guesses_what_was_meant():
    assert Suggestions(["needs", "name"]).for_("need") == "did you mean 'needs'?"
    assert Suggestions(["needs", "name"]).for_("zzz") == ""


def test_it_stops_guessing_before_it_costs_too_much():
    suggestions = Suggestions(f"task-{number}" for number in range(40_000))

    assert suggestions.for_("task-1x")
    assert suggestions.for_("task-1x") == ""
