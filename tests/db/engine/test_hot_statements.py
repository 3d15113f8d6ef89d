"""The hot statements agree with the models: on columns, on defaults, and on what a move is."""

import re
from contextlib import suppress
from functools import partial

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection

from cpds.base import db, statements
from tasks_app.models import (
    ApiToken,
    Event,
    ExecutionRecord,
    Membership,
    Project,
    Task,
    hot_path,
    hot_querysets,
    returning,
)
from tasks_app.models.sql import FOLDER as OF_THE_RECORD
from tasks_app.roles import Role, TokenKind
from tasks_app.services.access import tokens
from tasks_app.services.http_workers import offers
from tasks_app.services.lookup import by_name, watermark
from tasks_app.services.publishing import limits, window
from tasks_app.services.queries import overview
from tasks_app.states import EXTERNAL, InstanceState, JoinMode, TaskState
from tests.support.builders import a_chain, a_diamond, a_task
from tests.support.driving import claim, drive_to_end
from tests.support.engine import an_instance, assert_history_is_sound, task
from tests.support.loose import an_external, created, loose
from workers_app.models import Worker, WorkerKind
from workers_app.models.sql import FOLDER as OF_THE_FLEET
from workers_app.transports.http import workers

pytestmark = pytest.mark.django_db

MODULES = (hot_path, limits, by_name, offers, watermark, tokens, window, overview, workers)
ONLY_ON_POSTGRESQL = {"event_writers"}
"""SQLite has one writer: nothing to be asked."""
VALUE = re.compile(r"%\((\w+)\)s")
NUMBERS = frozenset({"lease_seconds", "attempt", "number", "most", "first_project", "last_project"})


def texts_of(kind):
    return {
        name: text
        for folder in (OF_THE_RECORD, OF_THE_FLEET)
        for name, text in statements.statements(folder=folder, kind=kind).items()
    }


def every_statement():
    found = [
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, statements.Statement)
    ]
    return {statement.name: statement for statement in found}


def some_value(name):
    if name in NUMBERS or (name.endswith("_id") and name not in {"dispatch_id", "worker_id"}):
        return 1
    return "{}" if name in {"data", "output"} else "x"


def some_values(text):
    return {name: some_value(name) for name in VALUE.findall(text)}


class TestTheFiles:
    def test_both_kinds_of_database_have_the_same_statements_with_the_same_values(self):
        sqlite, postgresql = texts_of("sqlite"), texts_of("postgresql")

        assert sqlite.keys() == postgresql.keys() - ONLY_ON_POSTGRESQL
        assert {name: set(VALUE.findall(text)) for name, text in sqlite.items()} == {
            name: set(VALUE.findall(postgresql[name])) for name in sqlite
        }

    def test_each_statement_is_run_by_somebody(self):
        assert every_statement().keys() == texts_of("postgresql").keys()

    def test_the_database_knows_every_table_and_column(self):
        for text in texts_of(connection.vendor).values():
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {text}", some_values(text))

    @pytest.mark.parametrize(
        ("name", "indexes"),
        [
            ("look_around", ["task_backlog"]),
            ("look_at_window", ["task_backlog", "task_queued", "task_leases"]),
            ("foremost_offers", ["task_offered", "task_at_gate"]),
        ],
    )
    def test_the_partial_indexes_are_used(self, name, indexes):
        explain, text = "EXPLAIN QUERY PLAN", texts_of(connection.vendor)[name]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                explain = "EXPLAIN"
                # Nothing that earlier tests left in its indexes: the plan is the same every time.
                cursor.execute("TRUNCATE tasks_app_task CASCADE")
                cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"{explain} {text}", some_values(text))
            plan = str(cursor.fetchall())

        assert [index for index in indexes if index not in plan] == []

    def test_the_depth_of_the_queues_is_counted_by_what_is_not_over(self):
        if connection.vendor != "sqlite":
            pytest.skip("PostgreSQL decides by how much there is")
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {texts_of('sqlite')['queue_depth']}")
            read = re.findall(r"SCAN tasks_app_task USING INDEX (\w+)", str(cursor.fetchall()))

        assert read == ["task_backlog", "task_offered", "task_queued", "task_leases", "task_timers"]

    @pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
    def test_a_row_is_inserted_with_every_column_that_the_database_does_not_fill_in(self, kind):
        models = {model._meta.db_table: model for model in apps.get_models()}
        inserts = re.findall(r"INSERT INTO (\w+) \(([^)]+)\)", "\n".join(texts_of(kind).values()))

        assert len(inserts) == 2
        for table, columns in inserts:
            assert set(re.split(r",\s+", columns.strip())) == {
                field.column
                for field in models[table]._meta.concrete_fields
                if not field.primary_key and not field.has_db_default()
            }

    def test_a_row_is_read_with_every_column_in_the_order_of_the_fields(self):
        readers = [each for each in every_statement().values() if hasattr(each, "reader")]

        assert len(readers) == 4
        for statement in readers:
            with connection.cursor() as cursor:
                cursor.execute(statement.text(), some_values(statement.text()))
                assert [column[0] for column in cursor.description] == statement.reader.columns


def values_of(row, *, but=()):
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.attname not in {"id", "started_at", "finished_at", "happened_at", "lease_expires_at", *but}
    }


def everything():
    rows = [*Task.objects.order_by("pk"), *ExecutionRecord.objects.order_by("pk")]
    return [(values_of(row), row.started_at is None, row.finished_at is None) for row in rows]


class Undo(Exception):
    """Ends a transaction without a trace."""


def done_by(act):
    """Return what an act returns and leaves behind, and undo it."""
    with suppress(Undo), db.transaction():
        answer = [tuple(row) for row in act()]
        left = everything()
        raise Undo
    return answer, left


def assert_the_same(statement, **values):
    by_text = done_by(partial(statement.run, **values))
    by_querysets = done_by(partial(statement.otherwise, **values))
    assert normal(by_text) == normal(by_querysets)
    return by_text[0]


def normal(done):
    """Return it with the JSON of a spec read, which a cursor gives as text."""
    answer, left = done
    if answer and len(answer[0]) == len(hot_path.CLAIM_COLUMNS):
        answer = [row[:6] + row[7:] for row in answer]
    return answer, left


class TestWhatTheModelsDo:
    """Each statement does what the moves and QuerySets of the models do."""

    @pytest.mark.parametrize("state", list(TaskState))
    @pytest.mark.parametrize("instance_state", [InstanceState.RUNNING, InstanceState.PAUSED])
    def test_a_claim(self, doorbell, state, instance_state):
        instance = an_instance(a_task("only"))
        row = task(instance, "only")
        Task.objects.filter(pk=row.pk).update(status=state, dispatch_id="d1")
        type(instance).objects.filter(pk=instance.pk).update(status=instance_state)
        values = {"task_id": row.pk, "dispatch_id": "d1", "worker": "w@a", "lease_seconds": 30}

        taken = assert_the_same(hot_path.CLAIM, gate="", able="||", serves="*", **values)
        assert_the_same(hot_path.CLAIM_WITHOUT_MESSAGE, executors="|noop|", **values)

        may_start = state in {TaskState.PENDING, TaskState.QUEUED}
        assert bool(taken) == (may_start and instance_state == InstanceState.RUNNING)

    @pytest.mark.parametrize("join", list(JoinMode))
    @pytest.mark.parametrize("said", [(True, True), (True, None), (True, False), (False, None), (None, None)])
    def test_a_claim_and_a_look_at_what_it_needs(self, doorbell, join, said):
        instance = an_instance(a_task("a"), a_task("b"), a_task("join", needs=["a", "b"]), a_task("other"))
        joined = task(instance, "join")
        Task.objects.filter(pk=joined.pk).update(join=join, join_count=2, dispatch_id=None)
        for name, satisfies in zip("ab", said, strict=True):
            Task.objects.filter(pk=task(instance, name).pk).update(satisfies=satisfies)

        for dispatch_id in ("d1", "d2"):
            around = {"task_id": task(instance, "a").pk, "dispatch_id": dispatch_id}
            looked = statements.Statement.run(hot_path.LOOK_AROUND, **around)
            assert [tuple(map(bool, row)) for row in looked] == list(hot_querysets.look_around(**around))
            Task.objects.filter(pk=joined.pk).update(dispatch_id="d1")
        assert_the_same(
            hot_path.CLAIM, task_id=joined.pk, dispatch_id="d1", worker="w@a", lease_seconds=30,
            gate="", able="||", serves="*",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("requirement", "able", "serves", "is_taken"),
        [
            ("", "||", "*", True),
            ("rs-1", "||", "*", False),
            ("rs-1", "|rs-0|rs-1|", "*", True),
            ("rs-1", "|rs-11|", "*", False),
            ("", "||", "|{own}|", True),
            ("", "||", "|1{own}|", False),
            ("", "||", "||", False),
        ],
    )
    def test_a_claim_by_a_worker_that_may_not_do_everything(
        self, doorbell, requirement, able, serves, is_taken
    ):
        row = task(an_instance(a_task("only")), "only")
        Task.objects.filter(pk=row.pk).update(requirement=requirement, dispatch_id="d1")

        taken = assert_the_same(
            hot_path.CLAIM, task_id=row.pk, dispatch_id="d1", worker="w@a", lease_seconds=30,
            gate="", able=able, serves=serves.format(own=row.project_id),
        )  # fmt: skip

        assert bool(taken) == is_taken

    @pytest.mark.parametrize("gate", ["", "approval"])
    @pytest.mark.parametrize("dispatch_id", [None, "d0"])
    @pytest.mark.parametrize("ready", [True, False])
    @pytest.mark.parametrize("state", [TaskState.PENDING, TaskState.QUEUED])
    def test_a_claim_without_a_message(self, doorbell, state, ready, dispatch_id, gate):
        created(an_external("mine"))
        row = loose("mine")
        changes = {
            "status": state,
            "dispatch_id": dispatch_id,
            "gate": gate,
            **({} if ready else {"ready_at": None}),
        }
        Task.objects.filter(pk=row.pk).update(executor="noop", **changes)

        assert_the_same(
            hot_path.CLAIM_WITHOUT_MESSAGE, task_id=row.pk, dispatch_id="d1", worker="w", lease_seconds=30,
            executors=hot_path.listed(["echo", "noop"]),
        )  # fmt: skip

    def test_a_task_that_is_offered_is_not_taken_when_it_was_published(self, doorbell):
        created(an_external("mine"))
        Task.objects.filter(pk=loose("mine").pk).update(status=TaskState.QUEUED)

        taken = assert_the_same(
            hot_path.CLAIM_WITHOUT_MESSAGE, task_id=loose("mine").pk, dispatch_id="d1", worker="w",
            lease_seconds=30, executors=hot_path.listed([EXTERNAL]),
        )  # fmt: skip

        assert taken == []

    @pytest.mark.parametrize("state", list(TaskState))
    @pytest.mark.parametrize("output", ['{"a": [1, "ä"]}', '"text"', "0"])
    def test_a_completion(self, doorbell, state, output):
        row = task(an_instance(a_task("only")), "only")
        held = claim(row)
        Task.objects.filter(pk=row.pk).update(status=state)
        values = {"task_id": row.pk, "dispatch_id": held.dispatch_id, "output": output}

        completed = assert_the_same(hot_path.COMPLETE, **values)

        assert bool(completed) == (state == TaskState.RUNNING)
        assert done_by(lambda: (hot_path.CLOSE_RECORD.run(**values), [])[1]) == done_by(
            lambda: hot_querysets.close_record(**values)
        )

    @pytest.mark.parametrize("state", list(TaskState))
    def test_a_look_at_a_follower_of_any_state(self, doorbell, state):
        instance = an_instance(*a_chain(2))
        Task.objects.filter(pk=task(instance, "link-1").pk).update(status=state, dispatch_id=None)
        Task.objects.filter(pk=task(instance, "link-0").pk).update(satisfies=True)
        around = {"task_id": task(instance, "link-0").pk, "dispatch_id": "d1"}

        looked = [tuple(map(bool, row)) for row in hot_path.LOOK_AROUND.run(**around)]

        assert looked == list(hot_querysets.look_around(**around))
        assert looked[0][1] == (state == TaskState.PENDING)

    def test_a_record_and_an_event(self, doorbell):
        row = task(an_instance(a_task("only")), "only")
        record = {
            "task_id": row.pk,
            "number": 3,
            "dispatch_id": "d1",
            "worker": "w@a",
            "executor": "noop",
            "mode": "test",
        }
        event = {
            "task_id": row.pk,
            "instance_id": row.instance_id,
            "attempt": 3,
            "kind": "task.running",
            "worker": "w@a",
        }

        hot_path.OPEN_RECORD.run(**record)
        hot_path.NOTE_MOVE.run(data='{"claim": "x"}', **event)

        written, noted = ExecutionRecord.objects.get(task=row), Event.objects.order_by("pk").last()
        assert values_of(written) == values_of(ExecutionRecord(**record))
        assert values_of(noted) == values_of(Event(data={"claim": "x"}, **event))
        assert written.started_at is not None
        assert noted.happened_at is not None


def whole(row):
    """Return a model with what was loaded along with it, as plain values."""
    loaded = row.__dict__["_state"].fields_cache
    plain = {name: value for name, value in row.__dict__.items() if name != "_state"}
    return {**plain, **{name: other and whole(other) for name, other in loaded.items()}}


def assert_read_alike(statement, *, but=(), **values):
    by_text, by_querysets = statement.found(**values), list(statement.otherwise(**values))
    assert by_text
    for ours, theirs in zip(by_text, by_querysets, strict=True):
        ignored = dict.fromkeys(but)
        assert {**whole(ours), **ignored} == {**whole(theirs), **ignored}


class TestWholeRows:
    """What is read as models is what a QuerySet reads."""

    def test_a_task_of_an_instance_and_a_loose_one(self, doorbell):
        instance = an_instance(*a_diamond())
        row = task(instance, "diamond-top")
        claim(row)
        Task.objects.filter(pk=row.pk).update(task_id="mine", output={"a": [None, "ä"]}, timeout_seconds=2)
        created(an_external("other"))

        for called, projects in [
            ("mine", (0, by_name.LAST_KEY)),
            ("mine", (row.project_id,) * 2),
            ("other", (0, by_name.LAST_KEY)),
        ]:
            first, last = projects
            assert_read_alike(by_name._CALLED, called=called, first_project=first, last_project=last)

    def test_offers(self, doorbell):
        created(an_external("one", priority=9), an_external("two"))
        instance = an_instance(a_task("gated", run="external"), max_parallel=1)
        Task.objects.filter(instance=instance).update(gate="approval")

        assert_read_alike(
            offers._FOREMOST, project_id=loose("one").project_id, judged=hot_path.listed([EXTERNAL]), most=5
        )

    def test_a_token_with_its_user_and_project_and_one_without(self):
        user, project = (
            get_user_model().objects.create_user("ann", "a@example.org", "x"),
            Project.objects.default(),
        )
        Membership.objects.create(user=user, project=project, role=Role.EDITOR)
        given = {"kind": TokenKind.PERSONAL, "name": "t", "prefix": "p", "role": Role.EDITOR}
        ApiToken.objects.create(digest="both", user=user, project=project, **given)
        ApiToken.objects.create(digest="user", user=user, **given)
        ApiToken.objects.create(digest="project", project=project, **given)

        for digest in ("both", "user", "project"):
            assert_read_alike(tokens._RECOGNISE, digest=digest, but=["asked_at"])
        asked_at = tokens._RECOGNISE.found(digest="both")[0].asked_at
        assert abs((asked_at - tokens._good(digest="both")[0].asked_at).total_seconds()) < 60

    def test_a_worker_over_http(self):
        Worker.objects.create(
            public_id="W-1", kind=WorkerKind.HTTP, project_id=Project.objects.default().pk, name="w", slots=2
        )

        assert_read_alike(workers._KNOWN, worker_id="W-1")


def test_an_instance_runs_to_its_end_on_a_database_without_a_file(monkeypatch, doorbell, fleet):
    monkeypatch.setattr(returning, "can_return", lambda _using: False)
    own = statements.Statement.text
    monkeypatch.setattr(statements.Statement, "text", lambda each: "" if each.otherwise else own(each))
    instance = an_instance(*a_diamond(), a_task("unless", needs=["diamond-top"]))

    drive_to_end(instance, doorbell)

    instance.refresh_from_db()
    assert instance.status == InstanceState.COMPLETED
    assert_history_is_sound(instance)
    for row in Task.objects.filter(instance=instance):
        assert row.output == row.records.get().output == f"{row.pk}:{row.attempts}:{row.dispatch_id}"
