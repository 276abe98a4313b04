# SPDX-License-Identifier: Apache-2.0
"""The tcp, exec and prometheus probes against real sockets and programs."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from readiness.model import Readiness, Target
from readiness.probes.exec import ExecProbe
from readiness.probes.prometheus import PrometheusProbe
from readiness.probes.tcp import TcpProbe

SOMEWHERE = Target(host="127.0.0.9", port=4711, server_name="app.test", headers={"x-relocate-probe": "t"})


async def test_tcp_is_ready_when_a_connection_is_accepted(raw, nobody: Target) -> None:
    """Connecting is the whole question."""
    async with raw.serving(None) as server:
        assert (await TcpProbe.open({}).check(server.target, timeout=2)).ready
    refused = await TcpProbe.open({}).check(nobody, timeout=2)
    assert (refused.readiness, refused.reason) == (Readiness.NOT_YET, "connection refused")


def shell(script: str, **settings: object) -> ExecProbe:
    """A probe that runs a shell script."""
    return ExecProbe.open({"argv": ["/bin/sh", "-c", script], **settings})


@pytest.mark.parametrize(
    ("script", "readiness", "reason"),
    [
        ("echo fine", Readiness.READY, "exited with 0"),
        ("echo loading >&2; exit 3", Readiness.NOT_YET, "exited with 3: loading"),
        ("exit 4", Readiness.NEVER, "exited with 4"),
        ("kill -9 $$", Readiness.NOT_YET, "was killed by signal 9"),
    ],
)
async def test_exec_is_judged_by_its_exit_code(script: str, readiness: Readiness, reason: str) -> None:
    """0 is ready, chosen codes are never, all others not yet; the output says why."""
    verdict = await shell(script, never=[4]).check(SOMEWHERE, timeout=5)
    assert (verdict.readiness, verdict.reason) == (readiness, reason)


async def test_exec_knows_the_target_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program gets the target in its environment, and none of our secrets."""
    monkeypatch.setenv("OUR_SECRET", "s3cret")
    seen = (await shell("env").check(SOMEWHERE, timeout=5)).observed["output"]
    assert "s3cret" not in seen
    checked = await shell(
        'test "$TARGET_HOST:$TARGET_PORT:$TARGET_TLS:$TARGET_SERVER_NAME" = 127.0.0.9:4711:0:app.test'
    ).check(SOMEWHERE, timeout=5)
    assert checked.ready
    headers = await shell('echo "$TARGET_HEADERS"').check(SOMEWHERE, timeout=5)
    assert json.loads(headers.observed["output"]) == {"x-relocate-probe": "t"}


async def test_exec_output_is_cut_and_never_blocks() -> None:
    """A program that says much ends all the same; 256 characters are kept."""
    verdict = await shell("yes x | head -c 3000000").check(SOMEWHERE, timeout=10)
    assert verdict.ready
    assert len(verdict.observed["output"]) <= 256


def alive(pid_file: Path) -> bool:
    """Whether the process of this file still runs, after a moment for the system to clear it away."""
    pid = int(pid_file.read_text())
    for _ in range(50):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return False
        time.sleep(0.02)
    return True


async def test_exec_is_killed_with_its_children_at_the_time_out(tmp_path: Path) -> None:
    """Nothing of the process group outlives the check."""
    child = tmp_path / "child"
    verdict = await shell(f"sleep 60 & echo $! > {child}; wait").check(SOMEWHERE, timeout=0.5)
    assert verdict.reason == "no answer within 0.5 s"
    assert not alive(child)


async def test_exec_background_children_delay_and_outlive_nothing(tmp_path: Path) -> None:
    """A child left behind with the output open neither holds up the verdict nor survives it."""
    child = tmp_path / "child"
    started = time.monotonic()
    verdict = await shell(f"sleep 60 & echo $! > {child}; echo done").check(SOMEWHERE, timeout=10)
    assert (verdict.readiness, verdict.observed["output"].strip()) == (Readiness.READY, "done")
    assert time.monotonic() - started < 5
    assert not alive(child)


def until_written(pid_file: Path) -> None:
    """Wait for a started program to tell its id."""
    while not (pid_file.exists() and pid_file.read_text().strip()):
        time.sleep(0.01)


async def test_exec_cancelled_leaves_nothing(tmp_path: Path) -> None:
    """Cancelling the check kills the program, too."""
    child = tmp_path / "child"
    task = asyncio.create_task(shell(f"echo $$ > {child}; exec sleep 60").check(SOMEWHERE, timeout=30))
    await asyncio.to_thread(until_written, child)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(child)


def open_files() -> int:
    """How many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_exec_of_no_program_will_never_work(tmp_path: Path) -> None:
    """A program that is not there, or not executable, is not worth waiting for; no descriptor is left open."""
    before = open_files()
    for program in (tmp_path / "absent", tmp_path):
        verdict = await ExecProbe.open({"argv": [str(program)]}).check(SOMEWHERE, timeout=5)
        assert verdict.readiness is Readiness.NEVER
        assert "cannot be run" in verdict.reason
    assert open_files() == before


def vector(*values: str) -> dict[str, object]:
    """A vector answer with one series for each value."""
    return {
        "resultType": "vector",
        "result": [{"metric": {"n": str(n)}, "value": [1.5, v]} for n, v in enumerate(values)],
    }


@pytest.mark.parametrize(
    ("data", "readiness", "reason"),
    [
        (vector("3"), Readiness.READY, "all of 1 series are > 2"),
        ({"resultType": "scalar", "result": [1, "2.5"]}, Readiness.READY, "all of 1 series are > 2"),
        (vector("3", "1"), Readiness.NOT_YET, "1 of 2 series: 1 is not > 2"),
        (vector("2"), Readiness.NOT_YET, "1 of 1 series: 2 is not > 2"),
        (vector("NaN"), Readiness.NOT_YET, "1 of 1 series: nan is not > 2"),
        (vector("+Inf"), Readiness.READY, "all of 1 series are > 2"),
        (vector(), Readiness.NOT_YET, "the query gives no data"),
        ({"resultType": "matrix", "result": []}, Readiness.NOT_YET, "neither a scalar nor an instant vector"),
        (vector("three"), Readiness.NOT_YET, "neither a scalar nor an instant vector"),
    ],
)
async def test_prometheus_compares_every_series(raw, data: object, readiness: Readiness, reason: str) -> None:
    """Data must be there, and all of it must compare."""
    body = json.dumps({"status": "success", "data": data})
    async with raw.serving(raw.answer(body=body)) as server:
        settings = {
            "url": f"http://127.0.0.1:{server.port}/prom/",
            "query": "up > 0",
            "comparison": ">",
            "threshold": 2,
        }
        verdict = await PrometheusProbe.open(settings).check(SOMEWHERE, timeout=2)
    assert (verdict.readiness, reason in verdict.reason) == (readiness, True), verdict
    assert server.heads[0].startswith(b"GET /prom/api/v1/query?query=up")


async def test_prometheus_errors_are_verdicts(raw, nobody: Target) -> None:
    """A refused query, nonsense, and nobody there are not ready."""
    settings = {"query": "up", "comparison": "==", "threshold": 1}
    for reply, reason in (
        (raw.answer(400, body="bad query"), "prometheus answered 400: bad query"),
        (raw.answer(body="{}"), "neither"),
    ):
        async with raw.serving(reply) as server:
            url = f"http://127.0.0.1:{server.port}"
            verdict = await PrometheusProbe.open({"url": url, **settings}).check(SOMEWHERE, timeout=2)
        assert verdict.readiness is Readiness.NOT_YET
        assert reason in verdict.reason
    refused = await PrometheusProbe.open({"url": f"http://127.0.0.1:{nobody.port}", **settings}).check(
        SOMEWHERE, timeout=2
    )
    assert refused.reason == "prometheus: connection refused"
