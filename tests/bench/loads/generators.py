# SPDX-License-Identifier: Apache-2.0
"""vegeta and ghz, each sending at a constant rate whatever becomes of its requests (open loop)."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from relocate.demo.app.echo import PING
from tests.bench.loads.sent import Sent, joined, of_ghz, of_vegeta

PROTO = Path(__file__).with_name("demo.proto")
TIMEOUT = "2s"
"""As our own traffic's: a request without its answer after this has failed."""


@dataclass(frozen=True)
class Target:
    """Where an application is reached: one name, several gateway instances."""

    host: str
    ports: Sequence[int]
    """Of the gateway instances' listeners on loopback."""
    ca_file: Path


@dataclass(frozen=True)
class Generators:
    """Both programs."""

    programs: Path
    """The folder they are in."""
    folder: Path
    """For their files."""

    async def vegeta(self, name: str, target: Target, *, rate: int, seconds: int, http2: bool) -> Sent:
        """Send GETs over HTTP/1.1 or HTTP/2, by turns through each gateway instance."""
        url = f"https://{target.host}:{target.ports[0]}"
        file, results = self.folder / f"{name}.targets", self.folder / f"{name}.results"
        # One second more than will be taken: it must never run out of them.
        file.write_text("\n".join(_vegeta_target(url, f"{name}.{number}") for number in range(rate * (seconds + 1))))
        reached = [f"-connect-to={target.host}:{target.ports[0]}:127.0.0.1:{port}" for port in target.ports]
        argv = [f"-targets={file}", "-format=json", "-lazy", f"-rate={rate}/1s", f"-duration={seconds}s"]
        argv += [f"-timeout={TIMEOUT}", "-max-body=0", f"-root-certs={target.ca_file}", f"-http2={str(http2).lower()}"]
        await _run([str(self.programs / "vegeta"), "attack", *argv, *reached, f"-output={results}"])
        told = await _run([str(self.programs / "vegeta"), "encode", "-to", "json", str(results)])
        return of_vegeta(name, told.splitlines())

    async def ghz(self, name: str, target: Target, *, rate: int, seconds: int) -> Sent:
        """Make unary calls, one process for each gateway instance."""
        share = rate // len(target.ports)
        calls = [
            self._ghz(f"{name}-{number}.", port, target, rate=share, seconds=seconds)
            for number, port in enumerate(target.ports, 1)
        ]
        return joined(name, await asyncio.gather(*calls))

    async def _ghz(self, prefix: str, port: int, target: Target, *, rate: int, seconds: int) -> Sent:
        report = self.folder / f"{prefix}json"
        metadata = json.dumps({"x-request-id": f"{prefix}{{{{.RequestNumber}}}}"})
        argv = ["--proto", str(PROTO), "--call", PING.strip("/"), "--cacert", str(target.ca_file)]
        argv += ["--cname", target.host, "--async", "--rps", str(rate), "--total", str(rate * seconds)]
        argv += ["--metadata", metadata, "--timeout", TIMEOUT, "--format", "json", "--output", str(report)]
        await _run([str(self.programs / "ghz"), *argv, f"127.0.0.1:{port}"])
        return of_ghz(prefix, prefix, json.loads(report.read_text()))


def _vegeta_target(url: str, request: str) -> str:
    # The id stands in the URL as well: that is what comes back in the results, also when no answer did.
    return json.dumps({"method": "GET", "url": f"{url}/whoami?id={request}", "header": {"x-request-id": [request]}})


async def _run(argv: Sequence[str]) -> str:
    """Run a program to its end; what it printed.

    Raises:
        RuntimeError: it failed; the text holds what it said.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    try:
        printed, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"{Path(argv[0]).name} ended with status {process.returncode}: {said.decode()[-500:]}")
    return printed.decode()
