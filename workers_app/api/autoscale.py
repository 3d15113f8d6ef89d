"""``GET /api/v1/autoscale``: how many workers are wanted, for whoever starts and stops them."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cpds.api.requests.forms import Form, read_query
from cpds.api.responses.envelope import ok
from cpds.api.schema.documentation import documented
from tasks_app.api.base import Endpoint
from tasks_app.roles import Role
from tasks_app.services.scaling.autoscale import TARGET_SECONDS, Pool, WantedView, workers_wanted
from workers_app.api.worker_forms import WORD

MOST_WORKERS = 100_000
MOST_SLOTS = 10_000
WEEK_SECONDS = 604_800


class PoolQuery(Form):
    """The pool that is asked about. Lists are given word by word: ``requires=gpu&requires=node``."""

    capabilities = serializers.ListField(
        child=serializers.RegexField(WORD),
        max_length=200,
        required=False,
        help_text="what each worker can do",
    )
    requires = serializers.ListField(
        child=serializers.RegexField(WORD),
        max_length=200,
        default=list,
        help_text="only tasks that require all of these",
    )
    slots = serializers.IntegerField(
        min_value=1, max_value=MOST_SLOTS, required=False, help_text="of each worker"
    )
    target_seconds = serializers.FloatField(min_value=1, max_value=WEEK_SECONDS, default=TARGET_SECONDS)
    min = serializers.IntegerField(min_value=0, max_value=MOST_WORKERS, default=0)
    max = serializers.IntegerField(min_value=0, max_value=MOST_WORKERS, required=False)


class Autoscale(Endpoint):
    """``/api/v1/autoscale``."""

    needs = {"GET": Role.VIEWER}

    @documented("Say how many workers are wanted", answer=WantedView, query=[PoolQuery])
    def get(self, request: Request) -> Response:
        """Work out the workers wanted for what is ready and runs in the caller's projects."""
        asked = read_query(request, PoolQuery)
        capabilities = asked.get("capabilities")
        pool = Pool(
            capabilities=None if capabilities is None else frozenset(capabilities),
            requires=frozenset(asked["requires"]),
            slots=asked.get("slots"),
            target_seconds=asked["target_seconds"],
            minimum=asked["min"],
            maximum=asked.get("max"),
        )
        return ok(workers_wanted(pool=pool, projects=self.projects()))
