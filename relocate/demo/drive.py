# SPDX-License-Identifier: Apache-2.0
"""The UE on its way, and its traffic: one process that sends on a fixed schedule whatever happens."""

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from relocate.demo import site
from relocate.demo.processes import Running
from relocate.demo.report.accounts import Accounts, Window
from relocate.demo.system import System
from relocate.demo.traffic.plan import Flow
from relocate.demo.traffic.record import read_recording
from steering.model import Endpoint

UE = "ue-1"


class Traffic:
    """The traffic process and what it tells each second."""

    def __init__(
        self, system: System, application: str = site.OURS, flows: Sequence[Flow] | None = None, **told: Any
    ) -> None:
        """Args: system: whose gateways are used; application: who is asked; flows, told: instead of the traffic's own choice."""
        self._system = system
        self._application = application
        self._flows = flows
        self._told = told
        self.instances: Sequence[str] = site.INSTANCES
        """Gateway instances that are used; to be said before the start."""
        self.listeners: Mapping[str, Endpoint] = {
            instance: Endpoint(host="127.0.0.1", port=port) for instance, port in system.ports.listeners.items()
        }
        """Where each gateway instance listens."""
        self._running: Running | None = None
        own = application == site.OURS
        self.records = system.folder / ("records.jsonl" if own else f"{application}.records.jsonl")
        self.feed = system.feed if own else system.folder / f"{application}.seconds.jsonl"

    async def start(self) -> None:
        """Begin to send."""
        plan: dict[str, Any] = {
            "gateways": [self._gateway(instance) for instance in self.instances],
            "ues": [{"name": UE, "cell": site.CELLS["mec-a"]}],
            "records_file": str(self.records),
            "seconds_file": str(self.feed),
            "control": "stdin",
            **self._told,
        }
        if self._flows is not None:
            plan["flows"] = [flow.model_dump(mode="json") for flow in self._flows]
        file = self._system.folder / f"{self._name}.json"
        file.write_text(json.dumps(plan))
        argv = [sys.executable, "-m", "relocate.demo.traffic", "--config", str(file)]
        self._running = await self._system.processes.start(self._name, argv, stdin=asyncio.subprocess.PIPE)

    async def enter(self, cell: str) -> None:
        """The UE drives into a cell."""
        if self._running is None or self._running.process.stdin is None:
            raise RuntimeError("the traffic has not been started")
        self._running.process.stdin.write(json.dumps({"ue": UE, "cell": cell}).encode() + b"\n")
        await self._running.process.stdin.drain()

    async def stop(self) -> None:
        """Stop sending, and wait for what is under way."""
        await self._system.processes.stop(self._name)

    def mark(self, text: str) -> None:
        """Let the page show that something happened now."""
        self._append({"mark": text, "at": round(time.time(), 3)})

    async def compare(self, **windows: Window) -> None:
        """Let the page show the accounts so far, `today` and `ours`, of all requests that were due in these windows."""
        recording = await asyncio.to_thread(read_recording, self.records)
        told = {name: Accounts(recording, [window]).account() for name, window in windows.items()}
        self._append({"comparison": {name: account.model_dump(mode="json") for name, account in told.items()}})

    def lines(self) -> list[dict[str, Any]]:
        """The feed: seconds, marks, comparisons."""
        lines = self.feed.read_text().splitlines() if self.feed.exists() else []
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def seconds(self) -> list[dict[str, Any]]:
        """What the traffic has told so far, second by second."""
        return [line for line in self.lines() if "sent" in line]

    async def first_number(self) -> dict[str, Any]:
        """Wait for the first second."""
        while not (found := self.seconds()):
            self._system.processes.check()
            await asyncio.sleep(0.1)
        return found[-1]

    def _append(self, line: Mapping[str, Any]) -> None:
        with self.feed.open("a") as feed:
            feed.write(json.dumps(line) + "\n")

    @property
    def _name(self) -> str:
        return f"traffic-{self._application}"

    def _gateway(self, instance: str) -> dict[str, Any]:
        return {
            "name": instance,
            **self.listeners[instance].model_dump(),
            "server_name": site.host_of(self._application),
            "ca_file": str(self._system.certificates.ca),
        }


class DecisionEngine:
    """A MEC decision engine as simple as can be: when the UE's latency has risen, the application has to follow."""

    RISE_MS = 12.0
    """A median this far above the best one seen means that the UE is served from too far away."""

    def __init__(self, traffic: Traffic) -> None:
        """Args: traffic: whose latency it sees."""
        self._traffic = traffic

    async def latency_rises(self, *, seconds: float = 30.0) -> float:
        """Wait until the median latency has risen; the latency in milliseconds."""
        deadline = time.monotonic() + seconds
        best = self._median()
        while time.monotonic() < deadline:
            latency = self._median()
            best = min(best, latency)
            if latency - best > self.RISE_MS:
                return latency
            await asyncio.sleep(0.1)
        raise TimeoutError(f"the latency did not rise within {seconds:g} s")

    def _median(self) -> float:
        seconds = self._traffic.seconds()
        return float(seconds[-1].get("p50_ms") or 0.0) if seconds else 0.0


def now_ns() -> int:
    """The wall clock as the report counts it."""
    return time.time_ns()
