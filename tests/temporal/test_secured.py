# SPDX-License-Identifier: Apache-2.0
"""The service and a Temporal that it has to prove itself to, and that it does not trust with what it says."""

import json
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from relocate.cli.program import app
from relocate.settings import Settings
from relocate.temporal.connection import Connection
from tests.drills.move import Move
from tests.temporal.secured import NAME, UE, Secured, keys_in

ASKED = ("StartWorkflowExecution", "PollWorkflowTaskQueue", "PollActivityTaskQueue", "RespondWorkflowTaskCompleted")
"""By the API, and by workers."""


async def test_it_proves_itself_by_certificate_and_key(service: Secured, moved: Move) -> None:
    """A relocation completes, and everything that was asked bore both."""
    await service.is_asked("first", "key-1", ASKED)
    assert {(name, key) for _, name, key in service.front.seen} == {("first", "key-1")}


async def test_without_the_key_it_does_not_start(service: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    """The front would notice."""
    for name, value in {**service.secrets.environment, "TEMPORAL_ADDRESS": service.front.address}.items():
        monkeypatch.setenv(name, value)
    await Connection(Settings()).open()
    monkeypatch.delenv("RELOCATE_TEMPORAL_API_KEY_FILE")
    with pytest.raises(RuntimeError, match="API key is not known"):
        await Connection(Settings()).open()


async def test_temporal_reads_nothing_of_what_was_said(service: Secured, moved: Move) -> None:
    """Neither who the user is nor what the application runs stands in a history, but for whoever has the key."""
    history = await service.history(moved.id)
    assert UE.encode() not in history
    assert b"relocate.demo.app" not in history
    assert NAME.encode() in history, "search attributes, by which runs are found, are plain"
    asked_for = await service.asked_for(moved.id)
    assert UE in asked_for
    assert "relocate.demo.app" in asked_for


async def test_a_relocation_goes_on_while_certificate_and_keys_change(service: Secured) -> None:
    """Nothing is started anew: what began under the old ones ends under the new, when the old are worth nothing any more."""
    pids = {one.name: one.process.pid for one in service.system.processes.running}
    move = await service.held()
    service.secrets.certify("second")
    service.secrets.say("key-2")
    service.secrets.encrypt_with("new", reads=["old"])
    await service.renews()
    await service.front.stop()
    await service.front.start([service.secrets.authority("second")], ["key-2"])
    assert (await move.command("proceed")).status_code == httpx.codes.OK
    await service.completes(move)
    assert keys_in(await service.history(move.id)) == {"old", "new"}
    service.secrets.encrypt_with("new")
    later = await service.begins()
    await service.completes(later)
    assert keys_in(await service.history(later.id)) == {"new"}
    await service.is_asked("second", "key-2", ASKED)
    assert {one.name: one.process.pid for one in service.system.processes.running} == pids


async def test_evidence_outlives_what_temporal_keeps(service: Secured, moved: Move, tmp_path: Path) -> None:
    """When the run's history is gone, the record is there, agrees with its samples, and the relocation is still listed."""
    await service.forget(moved.id)
    answer = await service.user.get(f"/v1/relocations/{moved.id}/evidence", params={"download": "true"})
    listed = await service.user.get("/v1/relocations", params={"application": NAME})
    assert moved.id in {one["id"] for one in listed.json()["items"]}
    record = tmp_path / "evidence.json"
    record.write_bytes(answer.raise_for_status().content)
    verified = CliRunner().invoke(app, ["verify", str(record), "-o", "json"])
    assert json.loads(verified.stdout)["agrees"] is True
