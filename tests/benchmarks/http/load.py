"""Load over kept connections: raw sockets, so that the asking costs little of what is measured."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Ask = Callable[[int], bytes]
CONNECTIONS = 16
LONGEST_SECONDS = 5.0
"""After this no further request is sent."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What an endpoint did: requests per second, and milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float


class UnexpectedAnswerError(RuntimeError):
    """An endpoint answered with something else than what it was asked for: the benchmark is wrong."""


def measure(*, port: int, ask: Ask, count: int, connections: int = CONNECTIONS) -> Measured:
    """Send up to ``count`` requests over so many connections at once; ``ask`` writes each one."""
    return asyncio.run(_measure(port, ask, count, connections))


async def _measure(port: int, ask: Ask, count: int, connections: int) -> Measured:
    seconds: list[float] = []
    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    began = time.perf_counter()
    numbers = itertools.takewhile(lambda _: time.perf_counter() - began < LONGEST_SECONDS, range(count))
    await asyncio.gather(*(_speak(*line, ask, numbers, seconds) for line in lines))
    passed = time.perf_counter() - began
    for _, writer in lines:
        writer.close()
    seconds.sort()
    return Measured(
        per_second=len(seconds) / passed,
        p50_ms=1000 * seconds[len(seconds) // 2],
        p99_ms=1000 * seconds[int(len(seconds) * 0.99)],
    )


async def _speak(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    ask: Ask,
    numbers: Iterator[int],
    seconds: list[float],
) -> None:
    for number in numbers:
        request = ask(number)
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(_length(head))
        seconds.append(time.perf_counter() - began)
        if not head.startswith(b"HTTP/1.1 20"):
            raise UnexpectedAnswerError(f"{request[:200]!r}: {head[:40]!r} {body[:300]!r}")


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, text = line.partition(b":")
        if name.lower() == b"content-length":
            return int(text)
    raise UnexpectedAnswerError(f"An answer without a length: {head!r}")
