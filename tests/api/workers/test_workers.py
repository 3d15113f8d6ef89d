"""The endpoints of workers over HTTP, and what people see of workers."""

import pytest

from cpds.base import clock
from tasks_app.models import Event, ExecutionRecord, Task
from tasks_app.services.control.cancelling import cancel_instance
from tasks_app.services.maintenance.sweep import sweep
from tasks_app.services.submit.instances import submit_instance
from tasks_app.services.submit.loose import create_tasks
from tasks_app.services.workflows.definitions import upload_workflow
from tasks_app.states import RecordState, TaskState
from tests.api.people import ApiClient, worker_token_for
from tests.support.builders import a_workflow
from workers_app.fleet.operators import drain_worker
from workers_app.fleet.workers import Registration, lost_holders, register_worker
from workers_app.models import Worker

pytestmark = pytest.mark.django_db
BASE = "/api/v1/workers"


class HttpWorker:
    """A worker of the project ``mine``."""

    def __init__(self, client, **facts):
        self.client = client
        told = client.post(f"{BASE}/register", {"name": "builder", "heartbeat_seconds": 10, **facts})
        assert told.status_code == 201, told.body
        self.facts = told.body["data"]
        self.id = self.facts["id"]

    def post(self, path, body=None, status=None):
        told = self.client.post(f"{BASE}/{self.id}/{path}", body or {})
        assert status is None or told.status_code == status, told.body
        return told

    def claim(self, **asked):
        return self.post("claims", asked, 200).body["data"]["claims"]

    def say(self, claim, act, body=None, status=204):
        return self.post(f"claims/{claim['token']}/{act}", body, status)

    def beat(self, *claims, **facts):
        return self.post("heartbeat", {"claims": [each["token"] for each in claims], **facts}, 200).body[
            "data"
        ]


@pytest.fixture
def worker(people):
    return HttpWorker(people.worker(), capabilities=["git"])


def created(people, *tasks, **more):
    made = create_tasks(
        tasks=[{"executor": "external", **more, **each} for each in tasks], project=people.mine
    )
    return [Task.objects.get(task_id=each, project=people.mine) for each in made.task_ids]


def of_workflow(people, *tasks, **more):
    uploaded = upload_workflow(source=a_workflow(*tasks, **more).encode(), project=people.mine)
    submit_instance(workflow=uploaded.workflow_id)


def status_of(row):
    row.refresh_from_db()
    return row.status


def test_a_batch_goes_on_to_others_where_an_instance_may_run_no_more(people, worker):
    outside = [{"name": name, "run": "external"} for name in ("a", "b", "c")]
    of_workflow(people, *outside, name="narrow", max_parallel=1)
    of_workflow(people, *outside, name="other")

    first = worker.claim(limit=3)

    assert [each["task"]["name"] for each in first] == ["a", "a", "b"]
    assert [each["task"]["name"] for each in worker.claim(limit=3)] == ["c"]
    worker.say(first[0], "complete", {"output": 1})
    assert [each["task"]["name"] for each in worker.claim(limit=1)] == ["b"]


def test_register_claim_work_complete(people, worker):
    [row] = created(
        people,
        {"task_id": "T-1", "title": "Build", "description": "the login", "with": {"kind": "build", "n": 3}},
    )

    [claim] = worker.claim(limit=5)
    assert claim["kind"] == "build"
    assert claim["arguments"] == {"kind": "build", "n": 3}
    assert (claim["task"]["task_id"], claim["task"]["title"]) == ("T-1", "Build")
    assert claim["lease_seconds"] == worker.facts["lease_seconds"] == 30
    assert claim["token"].startswith(f"{row.pk}.")
    worker.say(claim, "progress", {"progress": 0.5, "message": "half"})
    worker.say(claim, "logs", {"lines": ["one", "two"]})
    worker.say(
        claim,
        "complete",
        {
            "output": {"lines": 3},
            "report": {"model": "claude-opus-5-5", "prompt": "the login", "tokens": {"input_tokens": 1000}},
        },
    )

    assert status_of(row) == TaskState.COMPLETED
    assert (row.output, row.progress) == ({"lines": 3}, 0.5)
    record = ExecutionRecord.objects.get(task=row)
    assert (record.worker, record.prompt, record.tokens_used) == (worker.id, "the login", 1000)
    assert record.cost_usd_micros > 0
    logs = Event.objects.filter(task=row, kind="task.log").order_by("pk")
    assert [each.message for each in logs] == ["one", "two"]
    assert Worker.objects.get().tasks_completed == 1


def test_a_batch_holds_what_fits_and_no_more(people, worker):
    created(people, {"requires": ["gpu"]}, {"requires": ["git"]}, {}, {})

    first = worker.claim(limit=2)
    assert len(first) == 2
    assert len(worker.claim(limit=10)) == 1
    assert worker.claim(limit=10) == []


def test_kinds_choose(people, worker):
    created(people, {"with": {"kind": "red"}}, {"with": {"kind": "blue"}}, {})

    assert [each["kind"] for each in worker.claim(limit=9, kinds=["blue", "external"])] == [
        "blue",
        "external",
    ]


def test_what_cannot_be_filled_in_fails_and_is_not_given(people, worker):
    broken, whole = created(people, {"with": {"n": "{{ 1 // 0 }}"}, "task_id": "a"}, {"task_id": "b"})

    assert [each["task"]["id"] for each in worker.claim(limit=2)] == [whole.pk]
    assert status_of(broken) == TaskState.FAILED
    assert broken.error_kind == "bad_template"


def test_a_failure_is_judged_by_the_tasks_retry(people, worker):
    once, again = created(people, {"task_id": "a"}, {"task_id": "b", "retry": 2})
    claims = {each["task"]["task_id"]: each for each in worker.claim(limit=2)}

    worker.say(claims["a"], "fail", {"message": "no", "kind": "no_luck", "detail": {"n": 1}})
    worker.say(claims["b"], "fail", {"message": "no"})

    assert (status_of(once), once.error_kind) == (TaskState.FAILED, "no_luck")
    assert status_of(again) == TaskState.WAITING


def test_what_is_handed_back_is_offered_again(people, worker):
    [row] = created(people, {})
    [claim] = worker.claim()

    worker.say(claim, "release", {"reason": "not today"})

    assert status_of(row) == TaskState.PENDING
    assert [each["task"]["id"] for each in worker.claim()] == [row.pk]
    worker.say(claim, "complete", status=409)


def test_a_word_that_comes_twice_counts_once(people, worker):
    done, failed = created(people, {}, {})
    first, second = worker.claim(limit=2)

    for _ in range(2):
        worker.say(first, "complete", {"output": 1})
        worker.say(second, "fail", {"message": "no"})

    assert (status_of(done), status_of(failed)) == (TaskState.COMPLETED, TaskState.FAILED)
    assert Worker.objects.get().tasks_completed == 1
    worker.say(first, "fail", {"message": "no"}, 409)
    worker.say(second, "complete", {}, 409)


class TestHeartbeat:
    def test_it_renews_the_leases_it_names(self, people, worker):
        [row] = created(people, {})
        [claim] = worker.claim()
        Task.objects.update(lease_expires_at=clock.database_now_plus(1))

        told = worker.beat(claim)

        assert (told["claims"], told["stop"]) == ([{"token": claim["token"]}], [])
        row.refresh_from_db()
        assert Task.objects.filter(lease_expires_at__gt=clock.database_now_plus(25)).exists()

    def test_it_tells_what_was_cancelled_and_what_was_lost(self, people, worker):
        cancelled, lost = created(people, {})[0], created(people, {})[0]
        claims = {each["task"]["id"]: each for each in worker.claim(limit=2)}
        cancel_instance(given=cancelled.instance.public_id)
        Task.objects.filter(pk=lost.pk).update(lease_expires_at=clock.database_now_plus(-1))
        sweep()

        told = worker.beat(*claims.values())

        why = {each["token"]: each["why"] for each in told["stop"]}
        assert why == {claims[cancelled.pk]["token"]: "cancelled", claims[lost.pk]["token"]: "lost"}
        assert told["claims"] == []

    def test_it_tells_a_wish_to_drain_and_nothing_new_is_given(self, people, worker):
        created(people, {})
        assert worker.beat()["drain"] is False
        drain_worker(worker.id)

        assert worker.beat()["drain"] is True
        assert worker.claim() == []

    def test_one_that_says_it_is_leaving_gets_nothing_new(self, people, worker):
        created(people, {})
        worker.beat(draining=True)

        assert worker.claim() == []
        worker.beat()
        assert len(worker.claim()) == 1

    def test_silence_requeues(self, people, worker, fleet):
        [row] = created(people, {})
        [claim] = worker.claim()
        Worker.objects.update(silent_at=clock.database_now_plus(-1))
        fleet.gone = lost_holders()

        sweep()

        assert status_of(row) == TaskState.PENDING
        assert ExecutionRecord.objects.get(task=row).status == RecordState.LOST
        worker.say(claim, "complete", {"output": "late"}, 409)
        worker.say(claim, "progress", {"progress": 1}, 409)
        worker.say(claim, "logs", {"lines": ["late"]}, 409)
        assert status_of(row) == TaskState.PENDING
        assert row.output is None


def test_leaving_hands_back_what_is_held(people, worker):
    [row] = created(people, {})
    worker.claim()

    worker.post("leave", status=204)

    assert status_of(row) == TaskState.PENDING
    assert worker.claim() == []


def test_a_restart_under_the_same_name_frees_what_was_held(people, worker):
    [row] = created(people, {})
    [claim] = worker.claim()

    again = HttpWorker(people.worker(), name="builder")

    assert again.id == worker.id
    assert status_of(row) == TaskState.PENDING
    worker.say(claim, "complete", status=409)


def test_a_slow_rhythm_makes_a_long_lease(people):
    worker = HttpWorker(people.worker(), heartbeat_seconds=60)
    created(people, {})

    assert worker.facts["lease_seconds"] == 180
    assert worker.claim()[0]["lease_seconds"] == 180
    assert Task.objects.filter(lease_expires_at__gt=clock.database_now_plus(170)).exists()


class TestWhoMayTouchWhat:
    def test_a_worker_of_another_project_finds_nothing(self, people, worker):
        created(people, {})
        [claim] = worker.claim()
        other = HttpWorker(people.worker("theirs"))

        assert other.claim(limit=10) == []
        assert other.post(f"claims/{claim['token']}/complete").status_code == 404
        stranger = people.worker("theirs")
        for path in ("heartbeat", "claims", f"claims/{claim['token']}/complete", "leave"):
            assert stranger.post(f"{BASE}/{worker.id}/{path}", {}).status_code == 404

    def test_a_worker_of_another_pool_does_not_find_it(self, people):
        red = HttpWorker(people.worker(pool="red"))
        blue = people.worker(pool="blue")

        assert blue.post(f"{BASE}/{red.id}/heartbeat", {}).status_code == 404
        taken = blue.post(f"{BASE}/register", {"name": "x", "id": red.id})
        assert (taken.status_code, taken.body["errors"][0]["code"]) == (409, "worker_id_taken")

    def test_another_worker_of_the_project_does_not_hold_it(self, people, worker):
        created(people, {})
        [claim] = worker.claim()
        other = HttpWorker(people.worker(), name="other")

        for act, body in (
            ("progress", {"progress": 1}),
            ("complete", {}),
            ("fail", {"message": "x"}),
            ("release", {}),
        ):
            other.say(claim, act, body, 409)
        assert other.beat(claim)["stop"] == [{"token": claim["token"], "why": "lost"}]
        worker.say(claim, "complete")

    def test_a_revoked_token_is_no_token(self, people, worker):
        from tasks_app.models import ApiToken

        ApiToken.objects.filter(kind="worker").update(revoked_at=clock.database_now())

        assert worker.post("heartbeat").status_code == 401

    def test_two_tokens_are_good_at_once_while_one_replaces_the_other(self, people):
        old, new = (ApiClient(worker_token_for(people.mine, pool="red")) for _ in range(2))
        worker = HttpWorker(old)

        assert new.post(f"{BASE}/{worker.id}/heartbeat", {}).status_code == 200
        assert old.post(f"{BASE}/{worker.id}/heartbeat", {}).status_code == 200

    def test_a_user_is_no_worker(self, people, worker):
        told = people.client("admin").post(f"{BASE}/{worker.id}/heartbeat", {})

        assert (told.status_code, told.body["errors"][0]["code"]) == (403, "wrong_kind_of_token")

    def test_this_machine_needs_no_token(self, people, configured):
        configured(trust_local=True)
        here = ApiClient(**{"X-CPDS-Project": "mine", "Host": "localhost"})
        created(people, {})

        assert len(HttpWorker(here).claim()) == 1


@pytest.mark.parametrize("token", ["x", "1", "1.", "1." + "0" * 24, "0" * 40, "1.%00", "½." + "0" * 24])
def test_what_is_no_token_is_not_found(worker, token):
    assert worker.post(f"claims/{token}/complete").status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("claims", {"limit": 0}),
        ("claims", {"wait": 31}),
        ("heartbeat", {"claims": "x"}),
        ("heartbeat", {"unknown": 1}),
    ],
)
def test_what_does_not_fit_is_refused(worker, path, body):
    assert worker.post(path, body).status_code == 400


@pytest.mark.parametrize("given", ["w1@host", "a/b", "", "x" * 101, "-x"])
def test_an_id_that_no_worker_may_have_is_refused(people, given):
    assert people.worker().post(f"{BASE}/register", {"name": "x", "id": given}).status_code == 400


class TestPeople:
    def test_they_see_their_own_workers_and_the_installations(self, people, worker):
        HttpWorker(people.worker("theirs"), name="theirs")
        register_worker(Registration(name="w1@tests", pid=1, slots=4))
        viewer = people.client("viewer")

        told = viewer.get(BASE).body["data"]
        assert [each["name"] for each in told["items"]] == ["builder", "w1@tests"]
        assert told["items"][0]["status"] == "idle"
        assert viewer.get(f"{BASE}?status=busy").body["data"]["items"] == []
        assert viewer.get(f"{BASE}?kind=http").body["data"]["total"] == 1
        assert viewer.get(f"{BASE}?status=nonsense").status_code == 400
        shown = viewer.get(f"{BASE}/{worker.id}").body["data"]
        assert (shown["project"], shown["capabilities"]) == ("mine", ["git"])
        assert viewer.get(f"{BASE}/builder").body["data"]["id"] == worker.id
        assert viewer.get(f"{BASE}/theirs").status_code == 404

    @pytest.mark.parametrize("chosen", ["", "&status=idle"], ids=["all", "of one status"])
    def test_they_come_page_by_page(self, people, worker, chosen):
        for name in ("carpenter", "drover", "elder"):
            HttpWorker(people.worker(), name=name)
        viewer = people.client("viewer")

        pages = [viewer.get(f"{BASE}?limit=2&offset={at}{chosen}").body["data"] for at in (0, 1, 2, 4)]

        names = [[each["name"] for each in page["items"]] for page in pages]
        assert names == [["builder", "carpenter"], ["carpenter", "drover"], ["drover", "elder"], []]
        assert [page["has_more"] for page in pages] == [True, True, False, False]
        assert {page["total"] for page in pages} == {4}

    def test_one_that_runs_something_is_busy(self, people, worker):
        created(people, {})
        worker.claim()

        assert people.client("viewer").get(f"{BASE}/{worker.id}").body["data"]["status"] == "busy"
