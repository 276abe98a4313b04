# SPDX-License-Identifier: Apache-2.0
"""The http probe against real sockets."""

import asyncio
from pathlib import Path

import pytest

from readiness.model import Readiness, Target
from readiness.probes.http import HttpProbe


async def test_a_good_answer_is_ready_and_observed(raw) -> None:
    """Status and the chosen headers are in the verdict, whatever case they are asked for in."""
    async with raw.serving(raw.answer(x_relocate_epoch="e7", x_relocate_side="mec-b")) as server:
        probe = HttpProbe.open(
            {"path": "/healthz?deep=1", "observe_headers": ["X-Relocate-Epoch", "x-relocate-side", "x-no"]}
        )
        verdict = await probe.check(server.target, timeout=2)
    assert verdict.readiness is Readiness.READY
    assert dict(verdict.observed) == {"status": "200", "x-relocate-epoch": "e7", "x-relocate-side": "mec-b"}
    assert 0 < verdict.took_seconds < 2
    assert server.heads[0].startswith(b"GET /healthz?deep=1 HTTP/1.1\r\n")


async def test_the_request_says_whom_it_means(raw) -> None:
    """Host is the target's name without a port, and the target's headers win over the settings'."""
    async with raw.serving(raw.answer()) as server:
        target = server.target.model_copy(
            update={"server_name": "app.test", "headers": {"X-Relocate-Probe": "token", "accept": "text/plain"}}
        )
        await HttpProbe.open({"method": "HEAD", "headers": {"accept": "*/*", "x-more": "1"}}).check(target, timeout=2)
    head = server.heads[0].decode().lower()
    assert head.startswith("head / http/1.1\r\n")
    for line in ("host: app.test", "x-relocate-probe: token", "accept: text/plain", "x-more: 1", "connection: close"):
        assert f"\r\n{line}\r\n" in head


async def test_each_check_connects_anew(raw) -> None:
    """No connection is kept from one check to the next."""
    async with raw.serving(raw.answer()) as server:
        probe = HttpProbe.open({})
        for _ in range(3):
            await probe.check(server.target, timeout=2)
        assert server.connections == 3


async def test_the_answer_is_judged(raw) -> None:
    """A wrong answer is not ready, says what was expected, and is observed all the same."""
    async with raw.serving(raw.answer(body='{"ready": false}')) as server:
        verdict = await HttpProbe.open({"expect": {"json_equals": {"/ready": True}}}).check(server.target, timeout=2)
    assert verdict.readiness is Readiness.NOT_YET
    assert verdict.reason == "JSON at '/ready' is false, expected true"
    assert verdict.observed["status"] == "200"


async def test_redirects_are_not_followed(raw) -> None:
    """A redirect is an answer like any other."""
    async with raw.serving(raw.answer(302, location="/elsewhere")) as server:
        verdict = await HttpProbe.open({}).check(server.target, timeout=2)
        assert len(server.heads) == 1
    assert verdict.reason == "answered 302, expected 200-299"


async def test_proxies_of_the_environment_are_not_used(raw, nobody: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe goes to its target, whatever the environment says."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{nobody.port}")
    async with raw.serving(raw.answer()) as server:
        assert (await HttpProbe.open({}).check(server.target, timeout=2)).ready


async def test_a_refused_connection_is_a_verdict(nobody: Target) -> None:
    """The reason names the place and the cause."""
    verdict = await HttpProbe.open({}).check(nobody, timeout=2)
    assert verdict.readiness is Readiness.NOT_YET
    assert verdict.reason == f"127.0.0.1 port {nobody.port}: connection refused"


@pytest.mark.parametrize("reply", [None, b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"])
async def test_nonsense_is_a_verdict(raw, reply: bytes | None) -> None:
    """A target that closes, babbles or stops in the middle is not ready within the time-out."""
    async with raw.serving(reply) as server:
        verdict = await HttpProbe.open({"expect": {"body_contains": "x"}}).check(server.target, timeout=0.3)
    assert verdict.readiness is Readiness.NOT_YET
    assert verdict.reason


async def test_the_time_out_covers_the_whole_answer(raw) -> None:
    """An answer that drips is late as a whole, though each part comes in time."""

    async def drip(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100):
            writer.write(b"x-%d: 1\r\n" % number)
            await asyncio.sleep(0.05)

    async with raw.dripping(drip) as server:
        verdict = await HttpProbe.open({}).check(server.target, timeout=0.2)
    assert verdict.reason == "no answer within 0.2 s"
    assert verdict.took_seconds < 1


async def test_a_silent_tls_server_times_out_without_leaking(raw) -> None:
    """A handshake that never ends is cut at the time-out, and its socket is closed."""
    async with raw.serving(raw.answer()) as server:
        target = server.target.model_copy(update={"tls": True})
        verdict = await HttpProbe.open({}).check(target, timeout=0.2)
    assert verdict.reason == "no answer within 0.2 s"


async def test_an_endless_body_is_cut(raw) -> None:
    """A body larger than the limit is refused rather than read."""
    async with raw.serving(raw.answer(body="x" * 100_000)) as server:
        assert (await HttpProbe.open({}).check(server.target, timeout=2)).ready
        verdict = await HttpProbe.open({"expect": {"body_contains": "y"}}).check(server.target, timeout=2)
    assert verdict.reason == "the body is larger than 65536 bytes"


async def test_tls_is_verified_by_name_and_authority(raw, certificate) -> None:
    """The right name and authority pass; another name, or nobody's authority, does not."""
    async with raw.serving(raw.answer(), certificate.server_context()) as server:
        good = Target(
            host="127.0.0.1", port=server.port, tls=True, server_name="app.test", ca_file=str(certificate.file)
        )
        probe = HttpProbe.open({})
        assert (await probe.check(good, timeout=2)).ready
        for wrong in ({"server_name": "other.test"}, {"server_name": None}, {"ca_file": None}):
            verdict = await probe.check(good.model_copy(update=wrong), timeout=2)
            assert verdict.readiness is Readiness.NOT_YET
            assert "certificate not accepted" in verdict.reason


async def test_a_missing_authority_file_is_a_verdict(raw, tmp_path: Path) -> None:
    """A certificate authority that is not there (yet) means not ready, with the reason."""
    async with raw.serving(raw.answer()) as server:
        target = server.target.model_copy(update={"tls": True, "ca_file": str(tmp_path / "absent.pem")})
        verdict = await HttpProbe.open({}).check(target, timeout=2)
    assert verdict.reason == "No such file or directory"


async def test_http2_without_tls_is_spoken_at_once(raw) -> None:
    """With protocol http2 the connection starts with HTTP/2's preface."""
    async with raw.serving(None) as server:
        verdict = await HttpProbe.open({"protocol": "http2"}).check(server.target, timeout=2)
    assert server.heads[0].startswith(b"PRI * HTTP/2.0\r\n\r\n")
    assert verdict.readiness is Readiness.NOT_YET


async def test_http2_over_tls(h2_server) -> None:
    """With protocol http2 the answer comes over HTTP/2, with the authority that the target names."""
    port, certificate = h2_server
    target = Target(host="127.0.0.1", port=port, tls=True, server_name="app.test", ca_file=str(certificate.file))
    verdict = await HttpProbe.open({"protocol": "http2", "observe_headers": ["x-seen"]}).check(target, timeout=2)
    assert verdict.ready, verdict
    assert verdict.observed["x-seen"] == "2 app.test"


async def test_a_header_that_cannot_be_sent_is_a_verdict(raw) -> None:
    """The probe raises for nothing in its target."""
    async with raw.serving(raw.answer()) as server:
        for headers in ({"x-name": "ü\u2603"}, {"x name": "1"}, {"x-name": "a\r\nb: c"}):
            target = server.target.model_copy(update={"headers": headers})
            verdict = await HttpProbe.open({}).check(target, timeout=2)
            assert verdict.readiness is Readiness.NOT_YET
        assert not server.heads
