# SPDX-License-Identifier: Apache-2.0
"""A burst of POST requests over kept-alive connections, by so little code that it does not count."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

BURST_SECONDS = 60.0
TOKEN = "token-of-the-benchmark"  # noqa: S105, of a service that lives for the benchmark
"""Sent with each; who wants none passes it over."""
ACCEPTED = (b"HTTP/1.1 202", b"HTTP/1.1 204")


async def burst(port: int, path: str, bodies: Sequence[bytes], concurrency: int) -> float:
    """Send every body once; answers per second.

    Raises:
        RuntimeError: an answer was neither 202 nor 204; the text is the answer.
    """
    waiting = deque(bodies)
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(concurrency)]
    began = time.perf_counter()
    try:
        async with asyncio.timeout(BURST_SECONDS), asyncio.TaskGroup() as group:
            for reader, writer in connections:
                group.create_task(_sender(reader, writer, path, waiting))
        return len(bodies) / (time.perf_counter() - began)
    finally:
        for _, writer in connections:
            writer.close()


async def _sender(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, waiting: deque[bytes]) -> None:
    while waiting:
        body = waiting.popleft()
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {TOKEN}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length")),
            0,
        )
        text = await reader.readexactly(length)
        if not answer.startswith(ACCEPTED):
            raise RuntimeError(f"POST {path} was answered {answer.splitlines()[0].decode()}: {text[:300].decode()}")
