"""What the process does that publishes the bare canvases. Imports Celery only when told what to talk to."""

import time

RUN_SECONDS = 60


def prepare() -> None:
    """Load the application."""
    from tests.benchmarks import bare_celery

    bare_celery.app.finalize()


def run(shape: str) -> float:
    """Publish a shape, wait until it has ended, and return the seconds from first to last."""
    from tests.benchmarks import bare_celery

    client = bare_celery.app.backend.client
    client.delete(bare_celery.ENDED)
    started = time.monotonic()
    made = bare_celery.canvases(shape)
    for canvas in made:
        canvas.apply_async()
    for _ in made:
        left = started + RUN_SECONDS - time.monotonic()
        # The socket's own timeout is shorter than a run may take.
        while client.blpop([bare_celery.ENDED], timeout=1) is None:
            left = started + RUN_SECONDS - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"bare Celery did not end {shape} within {RUN_SECONDS} s")
    return time.monotonic() - started
