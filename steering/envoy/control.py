# SPDX-License-Identifier: Apache-2.0
"""The control plane process: reads the routes, renders them, serves Envoys. Any number of them serve the same gateways.

It keeps nothing that matters: whatever it knows comes from the database and from what the Envoys report when they
connect, so it may be killed at any moment. While it cannot read the database it sends nothing and is not ready; the
Envoys go on with what they have.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

import grpc
from envoy.service.discovery.v3 import ads_pb2_grpc
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from steering.envoy.ads import AdsServicer, Context
from steering.envoy.counts import Counts, Presence
from steering.envoy.plan import GatewayPlan
from steering.envoy.reader import Gateways, Reader
from steering.envoy.settings import ControlSettings
from steering.model import Endpoint
from steering.store.batches import Batches
from steering.store.engine import engine
from steering.store.gateways import GatewayStore
from steering.store.routes import RouteStore
from steering.store.wakeups import wake_ups

_LOG = logging.getLogger(__name__)

FRESH_SECONDS = 3.0
"""What was read from the database longer ago is not sent to anybody: somebody may have written since."""

BEAT_SECONDS = 1.0
"""Time between two signs of life."""

_KEEPALIVE = (
    ("grpc.keepalive_time_ms", 2000),
    ("grpc.keepalive_timeout_ms", 2000),
    ("grpc.http2.ping_timeout_ms", 2000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 200),
    ("grpc.http2.min_ping_interval_without_data_ms", 200),
    ("grpc.so_reuseport", 0),
)
"""An Envoy that vanished without a word is noticed within four seconds; Envoy's own pings are welcome.

gRPC 1.85 waits for the answer to a ping for `ping_timeout_ms`, a minute by default, whatever `keepalive_timeout_ms` says.
"""


class ControlPlane:
    """One control plane process."""

    def __init__(self, settings: ControlSettings, *, database_url: str, gateways: Gateways) -> None:
        """Args: settings: how to listen; database_url: SQLAlchemy form; gateways: settings by gateway name."""
        self._settings = settings
        self._engine: Engine = engine(database_url)
        self._store = GatewayStore(self._engine)
        self._wake_ups = wake_ups(self._engine)
        self._reader = Reader(RouteStore(self._engine), gateways)
        self._woken = asyncio.Event()
        self._has_read = asyncio.Event()
        self._read_at: float | None = None
        self._readable = True
        self._rest: set[asyncio.Task[None]] = set()
        self.replica = uuid4().hex
        self.address: Endpoint | None = None
        """Where Envoys connect; None until the listener is bound."""
        self._servicer = AdsServicer(
            Batches(self._store.record), self._fresh_plan, replica=self.replica, admit=self._admit, keep=self._keep
        )

    def ready(self) -> bool:
        """Whether it listens and has read the database a moment ago."""
        return self.address is not None and self._is_fresh()

    @property
    def counts(self) -> Counts:
        """What has been sent and refused since this process began."""
        return self._servicer.counts

    def instances(self) -> Mapping[str, Presence]:
        """Who is there, by gateway that is configured."""
        here = {(stream.session.gateway, stream.session.instance) for stream in list(self._servicer.streams)}
        return {
            name: _presence(plan, {one for at, one in here if at == name})
            for name, plan in self._reader.plans().items()
        }

    def read_age(self) -> float | None:
        """Seconds since the database was read; None: it never was."""
        return None if self._read_at is None else time.monotonic() - self._read_at

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            OSError: the address cannot be bound.
        """
        try:
            listening = self._wake_ups.listen(self._woken, self._settings.poke_host)
            async with self._listening(), listening as poke, asyncio.TaskGroup() as group:
                for part in (self._watch(), self._beat(poke), self._servicer.tick()):
                    group.create_task(part)
        finally:
            await self._leave()

    async def _watch(self) -> None:
        while True:
            self._woken.clear()
            await self._look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._settings.poll_seconds)

    async def _look(self) -> None:
        try:
            changed = await asyncio.to_thread(self._reader.read)
        except Exception as error:  # noqa: BLE001, whatever the reason, the answer is the same: send nothing, try again
            if self._readable:
                _LOG.warning("the database cannot be read, nothing is sent until it can: %s", error)
            self._readable = False
            return
        self._readable = True
        was_fresh, self._read_at = self._is_fresh(), time.monotonic()
        self._has_read.set()
        for stream in self._servicer.streams:
            if not was_fresh or stream.session.gateway in changed:
                stream.wake()

    async def _beat(self, poke: str) -> None:
        """Say again and again that this process lives, as long as it reads. Nothing that is sent waits for it."""
        await self._has_read.wait()
        while True:
            try:
                if self._is_fresh():
                    await asyncio.to_thread(self._store.heartbeat, self.replica, poke)
            except Exception as error:  # noqa: BLE001, whatever the reason, others learn of it by the silence
                _LOG.warning("could not say that this process lives: %s", error)
            await asyncio.sleep(BEAT_SECONDS)

    async def _leave(self) -> None:
        rest = list(self._rest)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        try:
            await asyncio.shield(asyncio.to_thread(self._store.leave, self.replica))
        except SQLAlchemyError as error:
            _LOG.warning("could not sign off; the heartbeat's end will say it: %s", error)
        self._engine.dispose()

    def _is_fresh(self) -> bool:
        return self._read_at is not None and time.monotonic() - self._read_at <= FRESH_SECONDS

    def _fresh_plan(self, gateway: str) -> GatewayPlan | None:
        return self._reader.plan(gateway) if self._is_fresh() else None

    def _keep(self, rest: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(rest)
        self._rest.add(task)
        task.add_done_callback(self._rest.discard)

    def _admit(self, gateway: str, instance: str, context: Context) -> str | None:
        if not gateway or not instance:
            return "node.cluster must be the gateway's name, and node.id the instance's"
        if self._settings.tls is None:
            return None
        shown = {name.decode(errors="replace") for name in _names(context)}
        if instance not in shown:
            return f"node.id {instance} is not a name in its certificate ({', '.join(sorted(shown))})"
        plan = self._reader.plan(gateway)
        if plan is None or plan.settings.instance(instance) is None:
            return f"{instance} is not a declared instance of gateway {gateway}"
        return None

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        server = grpc.aio.server(options=_KEEPALIVE)
        ads_pb2_grpc.add_AggregatedDiscoveryServiceServicer_to_server(self._servicer, server)
        port = _bind(server, self._settings)
        await server.start()
        self.address = Endpoint(host=self._settings.host, port=port)
        _LOG.info("serving Envoys at %s", self.address)
        try:
            yield
        finally:
            self.address = None
            await server.stop(grace=None)


def _presence(plan: GatewayPlan, here: set[str]) -> Presence:
    declared = {instance.id for instance in plan.settings.instances}
    return Presence(declared=len(declared), connected=len(declared & here), others=len(here - declared))


def _bind(server: grpc.aio.Server, settings: ControlSettings) -> int:
    address = str(Endpoint(host=settings.host, port=settings.port)) if settings.port else f"{_bracketed(settings)}:0"
    try:
        if settings.tls is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, _credentials(settings))
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}: {error}") from error
    if not port:
        raise OSError(f"cannot listen on {address}")
    return port


def _bracketed(settings: ControlSettings) -> str:
    return f"[{settings.host}]" if ip_address(settings.host).version == 6 else settings.host  # noqa: PLR2004, IPv6


def _credentials(settings: ControlSettings) -> grpc.ServerCredentials:
    tls = settings.tls
    if tls is None:
        raise ValueError("tls: missing")
    key, certificate, authority = (
        Path(path).read_bytes() for path in (tls.key_file, tls.cert_file, tls.client_ca_file)
    )
    return grpc.ssl_server_credentials([(key, certificate)], root_certificates=authority, require_client_auth=True)


def _names(context: Context) -> list[bytes]:
    shown = context.auth_context()
    return [name for key in ("x509_common_name", "x509_subject_alternative_name") for name in shown.get(key, [])]
