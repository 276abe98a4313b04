# SPDX-License-Identifier: Apache-2.0
"""The API's listener over TLS: what it needs, what it refuses, what it survives, and how its certificate is changed."""

import signal
import socket
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from structlog.testing import capture_logs

from api.server import GRACE, check_address, serve
from relocate.demo.processes import free_ports
from relocate.errors import InvalidRequest
from relocate.settings import Settings
from relocate.store.database import Database
from tests.api.access.tls.authority import HERE, SERVER, Authority, Pair
from tests.api.access.tls.conftest import ENGINE, TOKEN, Ask
from tests.api.access.tls.served import Loops, say, served
from tests.api.access.tls.test_certificates import BEARER, echo

PATIENCE = 20


def _damaged(kind: str, file: Path, other: Pair) -> Path:
    """A file of that kind in its place."""
    match kind:
        case "missing":
            return file.with_name("nothing.pem")
        case "a folder":
            return file.parent
        case "empty":
            file.write_bytes(b"")
        case "no PEM":
            file.write_bytes(b"\x30\x82\x00\xff")
        case "cut off":
            file.write_bytes(file.read_bytes()[:-60])
        case "another's":
            file.write_bytes(other.key.read_bytes())
        case "with a password":
            key = load_pem_private_key(file.read_bytes(), None)
            file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    return file


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        *(
            (field, kind)
            for field in ("tls_certificate", "tls_key", "tls_client_ca")
            for kind in ("missing", "a folder")
        ),
        *(
            (field, kind)
            for field in ("tls_certificate", "tls_key", "tls_client_ca")
            for kind in ("empty", "no PEM", "cut off")
        ),
        ("tls_certificate", "another's"),
        ("tls_client_ca", "another's"),
        ("tls_key", "another's"),
        ("tls_key", "with a password"),
    ],
)
def test_wrong_files_are_refused_before_anything_listens(
    tls: dict[str, Any], ours: Authority, field: str, kind: str, tmp_path: Path
) -> None:
    """The error names the setting, and no database has been made."""
    tls[field] = _damaged(kind, tls[field], ours.issue(*HERE))
    database = tmp_path / "untouched.db"
    settings = Settings.model_validate({"database_url": f"sqlite:///{database}", **tls})
    with pytest.raises(InvalidRequest, match=f"^{field}: ") as refused:
        serve(settings)
    assert refused.value.field == field
    assert not database.exists()


def test_whoever_may_show_a_certificate_makes_it_safe_to_listen_elsewhere(tls: dict[str, Any]) -> None:
    """Tokens are not the only thing that callers may show; TLS alone says nothing of them."""
    check_address(Settings.model_validate({"api_host": "0.0.0.0", "client_certificates": [{"name": ENGINE}], **tls}))
    with pytest.raises(InvalidRequest, match=r"^api_host: .*RELOCATE_CLIENT_CERTIFICATES"):
        check_address(Settings.model_validate({"api_host": "0.0.0.0", **tls}))
    check_address(Settings.model_validate(tls))


def test_the_page_and_its_stream_are_served(ask: Ask, callers: Authority) -> None:
    """As over plain HTTP; a certificate that is known opens the stream."""
    with ask(callers.named(ENGINE)) as client:
        assert "text/html" in client.get("/").headers["content-type"]
        assert client.get("/page/page.js").status_code == 200
        with client.stream("GET", "/v1/events/stream") as stream:
            pieces = stream.iter_bytes()
            assert b"event: open" in next(pieces)
            assert client.post("/relocate", json={"application": "assist"}).status_code == 202
            assert b"event: view" in next(piece for piece in pieces if b"event" in piece)


def test_plain_http_gets_no_answer(ask: Ask, port: int) -> None:
    """It is not served in the clear by mistake, a token sent so is refused by nobody but lost, and others are served on."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
        plain.sendall(f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        try:
            heard = b"".join(iter(lambda: plain.recv(4096), b""))
        except ConnectionResetError:
            heard = b""
    assert b"HTTP" not in heard
    with ask() as client:
        assert client.get("/v1/relocations", headers=BEARER).status_code == 200


def test_handshakes_that_do_not_go_on_hold_nobody_up(ask: Ask, port: int, ours: Authority, callers: Authority) -> None:
    """Of some nothing comes, of some half of the first message, of some all of it and then nothing; others are answered."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = ours.context().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    first = outgoing.read()
    with ExitStack() as open_ones:
        for sent in (b"", first[: len(first) // 2], first) * 30:
            line = open_ones.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            line.sendall(sent)
        with ask(callers.named(ENGINE)) as client:
            started = time.monotonic()
            assert client.get("/v1/relocations").status_code == 200
            assert time.monotonic() - started < PATIENCE / 2


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_is_1_2_or_later(port: int, ours: Authority, version: ssl.TLSVersion) -> None:
    """Both are spoken."""
    context = ours.context()
    context.minimum_version = context.maximum_version = version
    assert say(port, context).answer.startswith(b"HTTP/1.1 200")


def test_older_tls_is_refused(port: int, ours: Authority) -> None:
    """A client that allows TLS 1.1 gets a later one; one that has nothing else gets no connection."""
    context = ours.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        assert say(port, context).answer.startswith(b"HTTP/1.1 200")
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        say(port, context)


def _der(pair: Pair) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())


def test_a_new_certificate_is_taken_without_a_restart(ask: Ask, port: int, ours: Authority, own: Pair) -> None:
    """New connections get it, and one that stands goes on."""
    before, after = _der(own), ours.issue(*HERE, uses=SERVER)
    new = _der(after)
    with ask() as client:
        assert client.get("/").status_code == 200
        assert say(port, ours.context()).certificate == before
        with capture_logs() as logs:
            own.replaced_by(after)
            assert say(port, ours.context()).certificate == new
            assert say(port, ours.context()).certificate == new
        assert client.get("/").status_code == 200
    assert [(line["log_level"], line["event"]) for line in logs] == [("info", "the certificates were read anew")]


@pytest.mark.parametrize("kind", ["missing", "empty", "no PEM", "another's"])
def test_a_broken_new_certificate_leaves_the_old_one(port: int, ours: Authority, own: Pair, kind: str) -> None:
    """The log says so once, and a good one is taken afterwards."""
    before, spare = _der(own), ours.issue(*HERE, uses=SERVER)
    with capture_logs() as logs:
        if kind == "missing":
            own.certificate.unlink()
        else:
            _damaged(kind, own.key, ours.issue(*HERE))
        assert [say(port, ours.context()).certificate for _ in range(3)] == [before] * 3
        (told,) = logs
        new = _der(spare)
        own.replaced_by(spare)
        assert say(port, ours.context()).certificate == new
    assert (told["log_level"], told["event"]) == ("error", "the certificates from before are used")
    assert told["reason"].startswith("tls_certificate: " if kind == "missing" else "tls_key: ")


def test_a_certificate_that_comes_before_its_key_waits_for_it(port: int, ours: Authority, own: Pair) -> None:
    """Between the two the old pair is used: nothing of the new certificate has been taken over by halves."""
    before, spare = _der(own), ours.issue(*HERE, uses=SERVER)
    new = _der(spare)
    spare.certificate.replace(own.certificate)
    assert say(port, ours.context()).certificate == before
    spare.key.replace(own.key)
    assert say(port, ours.context()).certificate == new


def test_a_folder_that_is_changed_by_a_link_is_seen(loops: Loops, ours: Authority, own: Pair, tmp_path: Path) -> None:
    """As Kubernetes changes a Secret in a pod: the files are links through a link to a folder."""
    for name, pair in (("one", own), ("two", ours.issue(*HERE, uses=SERVER))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tls.crt").write_bytes(pair.certificate.read_bytes())
        (tmp_path / name / "tls.key").write_bytes(pair.key.read_bytes())
    (tmp_path / "data").symlink_to("one")
    mounted = Pair(tmp_path / "tls.crt", tmp_path / "tls.key")
    for file in mounted:
        file.symlink_to(f"data/{file.name}")
    settings = Settings(tls_certificate=mounted.certificate, tls_key=mounted.key)
    with served(echo, settings, loops) as port:
        before = say(port, ours.context()).certificate
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").replace(tmp_path / "data")
        after = say(port, ours.context()).certificate
    assert before == ssl.PEM_cert_to_DER_cert((tmp_path / "one/tls.crt").read_text())
    assert after == ssl.PEM_cert_to_DER_cert((tmp_path / "two/tls.crt").read_text())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_authority_that_is_taken_back_counts_no_more(
    port: int, ours: Authority, callers: Authority, strangers: Authority, version: ssl.TLSVersion
) -> None:
    """New ones are known, those of the old one are not connected; and nobody comes in by a session from before."""
    context = ours.context(callers.named(ENGINE))
    context.maximum_version = version
    session = say(port, context, path="/v1/relocations").session
    assert say(port, context, session, path="/v1/relocations").reused
    strangers.file.replace(callers.file)
    with pytest.raises(OSError, match=r"(?i)alert|reset|EOF|pipe|ended"):
        say(port, context, session, path="/v1/relocations")
    new = ours.context(strangers.named(ENGINE))
    assert say(port, new, path="/v1/relocations").answer.startswith(b"HTTP/1.1 200")


def test_without_an_authority_nobody_is_asked(loops: Loops, ours: Authority, own: Pair, strangers: Authority) -> None:
    """HTTPS alone: a certificate that a caller has is of no interest, and no name."""
    settings = Settings(tls_certificate=own.certificate, tls_key=own.key)
    with served(echo, settings, loops) as port:
        assert say(port, ours.context(strangers.named(ENGINE))).answer.endswith(b"[]")


@pytest.fixture
def ports() -> list[int]:
    """Of the API, of health, and of EMCO's routes without a token."""
    return free_ports(3)


@pytest.fixture
def process(catalogue: Database, ports: list[int], own: Pair) -> Iterator["subprocess.Popen[str]"]:
    """All listeners; the process is gone afterwards, whatever the test did."""
    command = [sys.executable, "-m", "tests.api.served", str(catalogue.engine.url), *map(str, ports), *map(str, own)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def _up(ports: list[int]) -> None:
    until = time.monotonic() + PATIENCE
    for port in ports:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < until, "it does not listen"
                time.sleep(0.05)


def test_only_the_apis_listener_speaks_tls(process: "subprocess.Popen[str]", ports: list[int], ours: Authority) -> None:
    """Kubelets, Prometheus and workflowmgr ask as before."""
    _up(ports)
    assert say(ports[0], ours.context()).answer.startswith(b"HTTP/1.1 200")
    assert httpx.get(f"http://127.0.0.1:{ports[1]}/livez").text == "alive\n"
    assert httpx.get(f"http://127.0.0.1:{ports[2]}/v1/relocations").status_code == 404


def test_process_ends_in_order_whatever_is_connected(
    process: "subprocess.Popen[str]", ports: list[int], ours: Authority
) -> None:
    """An open page, a connection that is kept, and handshakes that do not go on: all are gone in little more than its grace."""
    _up(ports)
    with ExitStack() as open_ones:
        for _ in range(3):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", ports[0]), timeout=PATIENCE))
        address = f"https://127.0.0.1:{ports[0]}"
        client = open_ones.enter_context(
            httpx.Client(base_url=address, verify=ours.context(), headers=BEARER, timeout=PATIENCE, trust_env=False)
        )
        stream = open_ones.enter_context(client.stream("GET", "/v1/events/stream"))
        chunks = stream.iter_bytes()
        assert b"event: open" in next(chunks)
        assert client.get("/v1/relocations").status_code == 200
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert list(chunks) == []
        assert process.wait(PATIENCE) == 0
        assert time.monotonic() - started < GRACE + 2
    assert process.stdout is not None
    assert "ended in order" in process.stdout.read()
