# SPDX-License-Identifier: Apache-2.0
"""Sends the safe request over HTTP/1.1 through one gateway instance."""

import asyncio
import contextlib
from collections.abc import Collection
from urllib.parse import quote

import h11

from readiness.answers import because, shortened
from readiness.http1 import Line, Lines, NoAnswer
from readiness.tls import context
from relocate.model.application import Watch
from relocate.prober.judgement import of_http
from relocate.prober.records import Answer, Result
from steering.model import EPOCH_HEADER, SIDE_HEADER, ProbePoint

PREPARATION_SECONDS = 0.5
UNQUOTED = "/:?@!$&'()*+,;=%-._~"
"""What a path and its query may hold as it is (RFC 3986, 3.3 and 3.4); what is quoted already stays so."""


class HttpSender:
    """One vantage over HTTP/1.1: no retries, no redirects, no cookies, no proxy."""

    def __init__(self, watch: Watch, point: ProbePoint, sides: Collection[str] | None) -> None:
        """Args: watch: the request; point: the gateway instance; sides: which may answer, None for any that is named."""
        self._timeout = watch.timeout_seconds
        self._sides = sides
        headers = [("host", point.server_name), ("user-agent", "relocate-prober"), ("accept", "*/*")]
        self._request = h11.Request(method="GET", target=quote(watch.path, safe=UNQUOTED), headers=headers)
        trust = context(point.ca_file, "http/1.1") if point.tls else None
        # A connection that idles longer than this is not taken again: the gateway may be about to close it.
        idle = 4 * watch.period_seconds + 1
        at = point.endpoint
        self._lines = Lines(at.host, at.port, trust, point.server_name, idle_seconds=idle)

    async def prepare(self) -> None:
        """Send once without telling: the first request pays for connections, and is no measurement."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PREPARATION_SECONDS):
                await self.send(fresh=False)

    async def send(self, *, fresh: bool) -> Answer:
        """Send the request once and judge what comes back within the time-out."""
        line = None if fresh else self._lines.take()
        made = line is None
        try:
            async with asyncio.timeout(self._timeout):
                line = line or await self._lines.open()
                answer = await self._exchange(line, made=made)
        except TimeoutError:
            words = f"no answer within {self._timeout:g} s"
        except (OSError, NoAnswer, h11.RemoteProtocolError) as error:
            words = shortened(f"{type(error).__name__}: {because(error)}")
        else:
            if not fresh:
                self._lines.keep(line)
                line = None
            return answer
        finally:
            if line is not None:
                line.close()
        return Answer(Result.FAILED, words, fresh=made and line is not None, reached=line is not None)

    async def _exchange(self, line: Line, *, made: bool) -> Answer:
        response = await line.ask(self._request)
        side = shortened(response.headers.get(SIDE_HEADER, ""), 64)
        epoch = shortened(response.headers.get(EPOCH_HEADER, ""), 128)
        result = of_http(response.status, side, self._sides)
        return Answer(result, str(response.status), side, epoch, made)

    async def close(self) -> None:
        """Close what is kept."""
        self._lines.close()
