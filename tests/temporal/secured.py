# SPDX-License-Identifier: Apache-2.0
"""A running service whose secrets for Temporal can be changed, and what Temporal has of its runs."""

import base64
import json
import os
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from relocate.demo.processes import free_ports
from relocate.demo.system import System, new_system
from relocate.model.relocation import Outcome, Phase, Status
from relocate.temporal.encryption import Encryption
from tests.drills.move import Move, step
from tests.drills.scene import A, B, application
from tests.drills.waiting import eventually
from tests.systems import running
from tests.temporal.front import Front
from tests.testbed.pki import Authority

NAME = "secret-errand"
UE = "imsi-001010123456789"
"""Whoever reads this in Temporal reads who was where."""


class Secrets:
    """The files that name who we are to Temporal and what it may read; each is put whole, as Kubernetes does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.api_key, self.payload_keys = folder / "api-key", folder / "keys.json"
        self._keys: dict[str, str] = {}
        self._authorities: dict[str, Authority] = {}

    @property
    def environment(self) -> dict[str, str]:
        """What names them to a process."""
        return {
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(self.folder / "server/ca.crt"),
            "TEMPORAL_TLS_CLIENT_CERT_PATH": str(self.folder / "client.crt"),
            "TEMPORAL_TLS_CLIENT_KEY_PATH": str(self.folder / "client.key"),
            "TEMPORAL_TLS_SERVER_NAME": "temporal.test",
            "RELOCATE_TEMPORAL_API_KEY_FILE": str(self.api_key),
            "RELOCATE_PAYLOAD_KEYS": str(self.payload_keys),
        }

    def authority(self, name: str) -> Path:
        """Where the certificate of the authority is that certifies this name."""
        if name not in self._authorities:
            (self.folder / name).mkdir()
            self._authorities[name] = Authority(self.folder / name)
        return self._authorities[name].pair.certificate

    def certify(self, name: str) -> None:
        """The client certificate is for this name from now on."""
        pair = self._authorities[name].issue("client", name)
        _put(self.folder / "client.crt", pair.certificate.read_bytes())
        _put(self.folder / "client.key", pair.key.read_bytes())

    def say(self, api_key: str) -> None:
        """The API key from now on, as editors leave it."""
        _put(self.api_key, f"{api_key}\n".encode())

    def encrypt_with(self, writes: str, *, reads: Iterable[str] = ()) -> None:
        """The keys for payloads from now on; a key that is new is made."""
        for name in (writes, *reads):
            self._keys.setdefault(name, base64.b64encode(os.urandom(32)).decode())
        keys = {name: self._keys[name] for name in (writes, *reads)}
        _put(self.payload_keys, json.dumps({"writes": writes, "keys": keys}).encode())


class Secured:
    """The system, the front of its Temporal, and the application that is moved."""

    def __init__(self, system: System, front: Front, secrets: Secrets, temporal: Client) -> None:
        self.system, self.front, self.secrets = system, front, secrets
        self.temporal = temporal
        """A client that has no key, and asks the dev server behind the front."""
        self.user = system.client()
        self._at = A

    async def begins(self) -> Move:
        """A relocation to the other cluster, for a user."""
        target = B if self._at == A else A
        body = {"application": NAME, "target": target, "ue": {"type": "GPSI", "value": UE}, "reason": f"{UE} moved"}
        answer = await self.user.post("/relocate", json=body)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return Move(self.user, answer.json()["id"])

    async def held(self) -> Move:
        """One that is held after its first steps."""
        move = await self.begins()
        await move.reaches(Phase.DEPLOY)
        assert (await move.command("hold")).status_code == httpx.codes.OK
        await move.until(lambda view: view.status is Status.HELD and step(view, Phase.DEPLOY).state == "done", "held")
        return move

    async def completes(self, move: Move) -> None:
        """Wait for its end."""
        view = await move.ends()
        assert view.outcome is Outcome.COMPLETED, view.sentence
        self._at = B if self._at == A else A

    async def history(self, identity: str) -> bytes:
        """All that Temporal keeps of a run, as it keeps it."""
        handle = self.temporal.get_workflow_handle(identity)
        events = [event.SerializeToString() async for event in handle.fetch_history_events()]
        described = (await handle.describe()).raw_description.SerializeToString()
        return b"\n".join([*events, described])

    async def asked_for(self, identity: str) -> str:
        """The request that a run began with, as whoever has the key reads it."""
        history = await self.temporal.get_workflow_handle(identity).fetch_history()
        payloads = history.events[0].workflow_execution_started_event_attributes.input.payloads
        (payload,) = await Encryption(self.secrets.payload_keys).decode(payloads)
        return payload.data.decode()

    async def is_asked(self, name: str, key: str, methods: Sequence[str]) -> None:
        """Wait until all these methods have been asked by whoever has this name and this key."""

        async def asked() -> bool:
            return {(method, name, key) for method in methods} <= self.front.seen

        await eventually(asked, f"asked by {name} with {key}", 30)

    async def renews(self) -> None:
        """Wait until each process says that it has connected anew, and reads new keys."""

        async def said() -> bool:
            logs = [self.system.processes.log(process) for process in ("api", "worker")]
            return all("connected to Temporal anew" in log and "payload keys were read anew" in log for log in logs)

        await eventually(said, "connected anew", 30)

    async def forget(self, identity: str) -> None:
        """Let Temporal delete a run, as it does by itself when the namespace's retention is over."""
        execution = WorkflowExecution(workflow_id=identity)
        request = DeleteWorkflowExecutionRequest(namespace=self.temporal.namespace, workflow_execution=execution)
        await self.temporal.workflow_service.delete_workflow_execution(request)

        async def gone() -> bool:
            try:
                await self.temporal.get_workflow_handle(identity).describe()
            except RPCError as error:
                return error.status is RPCStatusCode.NOT_FOUND
            return False

        await eventually(gone, "deleted by Temporal")


@asynccontextmanager
async def secured(folder: Path) -> AsyncIterator[Secured]:
    """The service, while the block runs: its name is `first`, its API key `key-1`, its payloads' key `old`."""
    secrets, system = Secrets(folder), new_system(folder)
    (port,) = free_ports(1)
    (folder / "server").mkdir()
    own = Authority(folder / "server").issue("front", "temporal", names=["temporal.test"])
    front = Front(f"127.0.0.1:{system.ports.temporal}", port, own)
    secrets.say("key-1")
    secrets.encrypt_with("old")
    await front.start([secrets.authority("first"), secrets.authority("second")], ["key-1", "key-2"])
    secrets.certify("first")
    system.environment = {**secrets.environment, "TEMPORAL_ADDRESS": front.address}
    try:
        async with running(system):
            temporal = await Client.connect(f"127.0.0.1:{system.ports.temporal}")
            await system.describe(application(NAME, bake_seconds=0.2))
            await system.place(NAME, A)
            service = Secured(system, front, secrets, temporal)
            async with service.user:
                yield service
    finally:
        await front.stop()


def keys_in(history: bytes) -> set[str]:
    """Ids of the keys, of three letters each, that payloads of a history are encrypted with."""
    return {found.decode() for found in re.findall(rb"encryption-key-id\x12\x03(\w{3})", history)}


def _put(file: Path, content: bytes) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.replace(file)
