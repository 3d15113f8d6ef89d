"""Words, times and tables for people."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tasks_app.cli.errors import UnknownStatus
from tasks_app.cli.text import aligned, plain, table
from tasks_app.cli.times import shown_span, shown_time
from tasks_app.cli.words import instance_word, read_instance_status, symbol, task_word
from tasks_app.states import InstanceState, TaskState

NOW = datetime(2026, 1, 8, 10, 2, 30, tzinfo=UTC)


def row(*, started=None, finished=None, duration=None):
    return SimpleNamespace(started_at=started, finished_at=finished, duration_ms=duration)


class TestWords:
    @pytest.mark.parametrize("state", InstanceState)
    def test_every_state_of_an_instance_can_be_said_and_read_back(self, state):
        assert read_instance_status(instance_word(state).plain) is state
        assert read_instance_status(state.value.upper()) is state

    @pytest.mark.parametrize("state", TaskState)
    def test_every_state_of_a_task_has_a_word_and_a_symbol(self, state):
        assert task_word(state).plain[0].isupper()
        assert symbol(state)

    def test_the_words_of_old_clients_are_kept(self):
        assert [instance_word(state).plain for state in list(InstanceState)[:6]] == [
            "Ready", "Running", "Paused", "Success", "Failed", "Terminated",
        ]  # fmt: skip

    def test_symbols_take_two_columns_each(self):
        from rich.cells import cell_len

        assert {cell_len(symbol(state)) for state in TaskState} == {2}

    @pytest.mark.parametrize("given", ["", "  ", "finished", "skipped", "comple"])
    def test_other_words_are_refused(self, given):
        with pytest.raises(UnknownStatus):
            read_instance_status(given)


class TestTimes:
    def test_a_time_is_shown_in_utc(self):
        assert shown_time("2026-01-08T10:00:00.999Z") == "2026-01-08 10:00:00"
        assert shown_time("2026-01-08T18:00:00+08:00") == "2026-01-08 10:00:00"
        assert shown_time(None) == "-"

    @pytest.mark.parametrize(
        ("found", "shown"),
        [
            (row(), "-"),
            (row(started="2026-01-08T10:00:00Z"), "2m30s"),
            (row(started="2026-01-08T10:00:00Z", finished="2026-01-08T10:01:15Z", duration=75_000), "1m15s"),
            (row(started="2026-01-08T10:02:31Z"), "0m00s"),
            (row(finished="2026-01-08T10:00:00Z"), "-"),
        ],
    )
    def test_a_span_ends_now_where_it_has_no_end(self, found, shown):
        assert shown_span(found, now=NOW) == shown

    def test_the_seconds_of_a_task_are_precise(self):
        assert shown_span(row(duration=500), now=NOW, precise=True) == "0.5s"


class TestTables:
    def test_columns_are_as_wide_as_what_they_hold(self):
        lines = [line.plain for line in table(("A", "LONG"), [("汇总", "x"), ("b", "y")], width=80)]

        assert lines == ["A     LONG", "汇总  x", "b     y"]

    def test_only_the_last_column_is_cut(self):
        ident = "inst-" + "x" * 90

        _, line = table(("ID", "ERROR"), [(ident, "e" * 100)], width=40)

        assert line.plain == f"{ident}  {'e' * 19}…"

    def test_a_value_stays_on_its_line_and_cannot_steer_the_terminal(self):
        assert plain("a\nb\t\x1b[31mc\u202e") == "a b �[31mc�"
        assert [line.plain for line in aligned([("a\nb", "c")], indent=2, width=80)] == ["  a b  c"]
