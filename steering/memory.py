# SPDX-License-Identifier: Apache-2.0
"""A gateway in this process's memory, with faults on request: for tests and dry runs.

`steering.adapters.memory` steers it. It answers requests by what each of its instances has applied, and does wrong
what it is told to do wrong::

    gateway = MemoryGateway.named("edge")
    gateway.latency_seconds = 0.2                    # documents take effect, and are acknowledged, later
    gateway.refusals["edge-2"] = "route: too long"   # this instance rejects every document from now on
    gateway.cut("edge-2")                            # deaf: serves on, hears nothing; gateway.heal("edge-2")
    gateway.kill("edge-2")                           # dead: refuses connections, forgets all; gateway.heal("edge-2")
    gateway.silent.add("edge-2")                     # applies, but its acknowledgement is lost
    gateway.stale.add("edge-2")                      # acknowledges, but goes on with what it had: it lies
    gateway.down.add("mec-b")                        # no instance of this side answers; fail-over shows
    gateway.uncounted.add("edge-2")                  # its counters cannot be read
    gateway.mute = True                              # it cannot tell what its instances have applied, and says so
    gateway.unavailable = "maintenance"              # the gateway's interface cannot be asked at all
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from steering.errors import Unavailable
from steering.fencing import Current, decide
from steering.model import Acknowledgement, Endpoints, Fence, InstanceAcknowledgement, InstanceUsage, RouteDocument


class MemorySettings(BaseModel):
    """Settings of a memory gateway."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instances: tuple[str, ...] = Field(default=("memory-1", "memory-2"), min_length=1, max_length=64)
    latency_seconds: float = Field(default=0.0, ge=0, le=60)


@dataclass(frozen=True)
class Answer:
    """What a UE gets."""

    side: str
    epoch: str


@dataclass
class _Applied:
    """One route on one instance."""

    version: int = 0
    document: RouteDocument | None = None
    acknowledged: int = 0
    rejected: int = 0
    reason: str = ""


@dataclass
class _Instance:
    """One instance: what it holds, what is on its way to it, what it counts."""

    routes: dict[str, _Applied] = field(default_factory=dict)
    coming: list[tuple[float, str, int, RouteDocument | None]] = field(default_factory=list)
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    streams: Counter[tuple[str, str]] = field(default_factory=Counter)
    deaf: bool = False
    dead: bool = False


class MemoryGateway:
    """The gateway itself; adapters opened under the same name share it."""

    _known: ClassVar[dict[str, "MemoryGateway"]] = {}

    def __init__(self, settings: MemorySettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: settings: see there; clock: what latency is measured by."""
        self.latency_seconds = settings.latency_seconds
        self.unavailable: str | None = None
        self.refusals: dict[str, str] = {}
        self.silent: set[str] = set()
        self.stale: set[str] = set()
        self.uncounted: set[str] = set()
        self.down: set[str] = set()
        self.mute = False
        self.moved: dict[str, Endpoints] = {}
        """Where instances listen, as `follow` was last told."""
        self._clock = clock
        self._rows: dict[str, Current] = {}
        self._instances = {name: _Instance() for name in settings.instances}
        self._dice = random.Random(0)  # noqa: S311, no secret is made of it

    @classmethod
    def named(cls, name: str, settings: MemorySettings | None = None) -> "MemoryGateway":
        """The gateway of that name in this process; made when it is first asked for."""
        if name not in cls._known:
            cls._known[name] = cls(settings or MemorySettings())
        return cls._known[name]

    @classmethod
    def forget(cls, name: str) -> None:
        """The next gateway of that name is a new one."""
        cls._known.pop(name, None)

    # -- what a test may do to it --------------------------------------------------------------------------------------

    def cut(self, instance: str) -> None:
        """Take its control connection; it serves on with what it has."""
        self._settle(instance).deaf = True

    def kill(self, instance: str) -> None:
        """End it: it refuses connections and forgets everything, counters too."""
        self._instances[instance] = _Instance(dead=True)

    def heal(self, instance: str) -> None:
        """Undo `cut` or `kill`; it gets every route as it is now."""
        found = self._instances[instance]
        found.deaf = found.dead = False
        for route, row in self._rows.items():
            self._tell(instance, route, row.version, row.document)

    # -- what a UE does ------------------------------------------------------------------------------------------------

    def answer(self, instance: str, route: str, *, token: str | None = None) -> Answer:
        """Answer one request, as this instance would now.

        Args:
            instance: through which instance.
            route: for which route.
            token: the probe token that the request carries, if any.

        Raises:
            ConnectionRefusedError: the instance is dead or does not have the route.
            ConnectionResetError: no side that the request may go to is up.
        """
        document = self._serving(instance, route)
        for path in document.probe_paths:
            if path.token == token and path.expires_at > datetime.now(UTC):
                return Answer(self._up((path.backend,)), document.epoch)
        (chosen,) = self._dice.choices(list(document.weights), weights=list(document.weights.values()))
        others = [name for name in document.weights if name != chosen] if document.failover else []
        side = self._up((chosen, *others))
        self._instances[instance].requests[route, side] += 1
        return Answer(side, document.epoch)

    def open_stream(self, instance: str, route: str) -> Answer:
        """Begin a stream; it stays where it began and counts as in flight until `close_stream`."""
        answer = self.answer(instance, route)
        self._instances[instance].streams[route, answer.side] += 1
        return answer

    def close_stream(self, instance: str, route: str, side: str) -> None:
        """End a stream."""
        self._instances[instance].streams[route, side] -= 1

    def _up(self, sides: Sequence[str]) -> str:
        side = next((side for side in sides if side not in self.down), None)
        if side is None:
            raise ConnectionResetError(f"{sides[0]} is down")
        return side

    def _serving(self, instance: str, route: str) -> RouteDocument:
        found = self._settle(instance)
        applied = found.routes.get(route)
        if found.dead or applied is None or applied.document is None:
            raise ConnectionRefusedError(f"{instance} does not serve {route}")
        return applied.document

    # -- what the adapter does -----------------------------------------------------------------------------------------

    def row(self, route: str) -> Current | None:
        """The route as last written."""
        if self.unavailable is not None:
            raise Unavailable(self.unavailable)
        return self._rows.get(route)

    def owner(self, host: str) -> str | None:
        """The route that a host belongs to."""
        owned = ((name, row.document) for name, row in self._rows.items() if row.document is not None)
        return next((name for name, document in owned if host.lower() in map(str.lower, document.hosts)), None)

    def write(self, route: str, document: RouteDocument | None, fence: Fence, base: int | None) -> int:
        """Replace or remove a route, and send it to every instance."""
        current = self.row(route)
        version = decide(current, document, fence, base)
        if version is None:
            return current.version if current else 0
        self._rows[route] = Current(version=version, fence=fence, document=document)
        for instance in self._instances:
            self._tell(instance, route, version, document)
        return version

    def follow(self, instance: str, endpoints: Endpoints) -> bool:
        """Keep where an instance listens, if a route names it."""
        if self.unavailable is not None:
            raise Unavailable(self.unavailable)
        documents = [row.document for row in self._rows.values() if row.document is not None]
        named = any(backend.instance == instance for document in documents for backend in document.backends)
        if named:
            self.moved[instance] = endpoints
        return named

    def stand(self, instance: str, route: str, version: int) -> InstanceAcknowledgement:
        """What one instance says about a version."""
        state, reason = self._state(instance, route, version)
        return InstanceAcknowledgement(instance=instance, state=state, reason=reason, at=datetime.now(UTC))

    def _state(self, instance: str, route: str, version: int) -> tuple[Acknowledgement, str]:
        found = self._settle(instance)
        applied = found.routes.get(route) or _Applied()
        if found.dead:
            return Acknowledgement.DEAD, "it refuses connections"
        if self.mute:
            return Acknowledgement.UNKNOWN, "this gateway does not say"
        if found.deaf:
            return Acknowledgement.DEAF, "its listener answers, but it has no control connection"
        if version and applied.rejected == version:
            return Acknowledgement.REJECTED, applied.reason
        if version and applied.acknowledged >= version:
            return Acknowledgement.APPLIED, ""
        return Acknowledgement.PENDING, "it has not said anything about this version yet"

    def count(self, instance: str, route: str, side: str) -> InstanceUsage:
        """What one instance counts on a side."""
        found = self._settle(instance)
        if found.dead or instance in self.uncounted:
            return InstanceUsage(instance=instance, in_flight=None, requests_total=None, reason="it gives no answer")
        document = found.routes.get(route, _Applied()).document
        if document is None or document.backend(side) is None:
            return InstanceUsage(instance=instance, in_flight=None, requests_total=None, reason=f"it knows no {side}")
        streams, requests = found.streams[route, side], found.requests[route, side]
        return InstanceUsage(instance=instance, in_flight=streams, requests_total=requests, errors_total=0)

    def instances(self) -> Sequence[str]:
        """Every instance's id."""
        return tuple(self._instances)

    def _tell(self, instance: str, route: str, version: int, document: RouteDocument | None) -> None:
        found = self._settle(instance)
        if found.deaf or found.dead:
            return
        if instance in self.refusals:
            applied = found.routes.setdefault(route, _Applied())
            applied.rejected, applied.reason = version, self.refusals[instance]
            return
        found.coming.append((self._clock() + self.latency_seconds, route, version, document))
        self._settle(instance)

    def _settle(self, instance: str) -> _Instance:
        """Let take effect what is due."""
        found, now = self._instances[instance], self._clock()
        while found.coming and found.coming[0][0] <= now:
            _, route, version, document = found.coming.pop(0)
            applied = found.routes.setdefault(route, _Applied())
            if instance not in self.stale:
                applied.version, applied.document = version, document
            if instance not in self.silent:
                applied.acknowledged = version
        return found
