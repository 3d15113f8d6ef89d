"""A stage for tests of the Claude executor: a real rehearsal server over real HTTP, and calls to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from tasks_app.outcomes import Outcome
from workers_app.agents.executor import Claude, close
from workers_app.agents.messages_api import ClaudeConnection
from workers_app.agents.prices import PriceTable, cost_usd_micros, load_prices
from workers_app.agents.rehearsal.script import parse_script
from workers_app.agents.rehearsal.serve import serving
from workers_app.agents.rehearsal.server import Rehearsal
from workers_app.executors.cancellation import Cancellation
from workers_app.executors.contract import Call

PRICE_FILE = Path(__file__).parents[3] / "config" / "model_prices.yaml"
TODAY = date(2026, 11, 20)


@dataclass
class Stage:
    """The server, the executor that asks it, and what it logged."""

    app: Rehearsal
    url: str
    log: list[str] = field(default_factory=list)

    def executor(
        self, *, simulated: bool = True, prices: PriceTable | None = None, **connection: Any
    ) -> Claude:
        found = ClaudeConnection(
            **{"api_key": "sk-test", "base_url": self.url, "simulated": simulated, **connection}
        )
        table = prices or load_prices(PRICE_FILE)
        return Claude(lambda: found, cost=lambda model, tokens: cost_usd_micros(model, tokens, TODAY, table))

    def ask(self, prompt: str = "Say hello", **arguments: Any) -> Outcome:
        return self.executor().execute(self.call(prompt=prompt, **arguments))

    def call(
        self,
        *,
        timeout_seconds: float | None = 20.0,
        cancellation: Cancellation | None = None,
        **arguments: Any,
    ) -> Call:
        return Call(
            task_id=1,
            task_name="task",
            instance_id="inst-1",
            attempt=1,
            idempotency_key="key-of-the-attempt",
            arguments=arguments,
            params={},
            workspace=Path(),
            timeout_seconds=timeout_seconds,
            cancellation=cancellation or Cancellation(),
            upstream=lambda _name: None,
            progress=lambda _fraction, _message: None,
            log=self.log.append,
        )


@contextmanager
def staged(*rules: dict[str, Any], latency: float = 0) -> Iterator[Stage]:
    app = Rehearsal(script=parse_script({"rules": list(rules)}), latency=latency)
    with serving(app) as url:
        try:
            yield Stage(app=app, url=url)
        finally:
            # A later stage may get the same port, and an open connection would be taken for one to it.
            close()
