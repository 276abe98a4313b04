# SPDX-License-Identifier: Apache-2.0
"""Small real servers on loopback."""

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from readiness.model import Target
from tests.connections import Connections

Reply = Callable[[bytes], Awaitable[bytes | None]]
"""From a request's head to the raw answer; None closes the connection instead."""

Drip = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""Writes its answer itself, at its own pace; then the connection is closed."""


class Certificate:
    """A self-signed certificate for `app.test`, as files; it is its own authority."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app.test")])
        now = dt.datetime.now(dt.UTC)
        names = x509.SubjectAlternativeName(
            [x509.DNSName("app.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.2"))]
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.key_pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.file = folder / "certificate.pem"
        self.file.write_bytes(self.pem)
        self.key_file = folder / "key.pem"
        self.key_file.write_bytes(self.key_pem)

    def server_context(self, *alpn: str) -> ssl.SSLContext:
        """What a server needs to be `app.test`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key_file)
        context.set_alpn_protocols(list(alpn or ("http/1.1",)))
        return context


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for `app.test`."""
    return Certificate(tmp_path_factory.mktemp("certificate"))


class Server:
    """A raw server: what each connection sent, how many there were, and whatever answer a test wants."""

    def __init__(self, reply: Reply, drip: Drip | None = None) -> None:
        self.reply = reply
        self.drip = drip
        self.heads: list[bytes] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._taken = Connections(self._serve)

    @property
    def connections(self) -> int:
        """How many there have been."""
        return self._taken.count

    @property
    def target(self) -> Target:
        """Where it listens, without TLS."""
        return Target(host="127.0.0.1", port=self.port)

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen, at the port of before if there was one."""
        self._server = await asyncio.start_server(self._taken.accept, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and break every connection."""
        if self._server is not None:
            self._server.close()
        await self._taken.end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                if self.drip is not None:
                    return await self.drip(head, writer)
                answer = await self.reply(head)
                if answer is None:
                    return None
                writer.write(answer)
                await writer.drain()
        except (OSError, EOFError):
            return None
        finally:
            writer.transport.abort()


def answer(status: int = 200, body: str = "ok", **headers: str) -> bytes:
    """A raw HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status} Reason", f"content-length: {len(body.encode())}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()


@asynccontextmanager
async def serving(reply: bytes | Reply | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server that gives one raw answer, or what a function says, or closes at once (None)."""

    async def fixed(_: bytes) -> bytes | None:
        return reply if isinstance(reply, bytes) else None

    async with running(Server(reply if callable(reply) else fixed), tls) as server:
        yield server


@asynccontextmanager
async def dripping(drip: Drip) -> AsyncIterator[Server]:
    """A server that writes its answers itself."""

    async def unused(_: bytes) -> None:
        return None

    async with running(Server(unused, drip)) as server:
        yield server


@asynccontextmanager
async def running(server: Server, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run a server until the block ends."""
    await server.start(tls)
    try:
        yield server
    finally:
        await server.stop()


class Raw:
    """What tests ask the `raw` fixture for."""

    serving = staticmethod(serving)
    dripping = staticmethod(dripping)
    answer = staticmethod(answer)


@pytest.fixture
def raw() -> type[Raw]:
    """`raw.serving(raw.answer(503))`: a server for one test."""
    return Raw


@pytest.fixture
async def nobody() -> Target:
    """A port that refuses connections."""
    async with serving(None) as server:
        return server.target


@pytest.fixture
async def h2_server(certificate: Certificate) -> AsyncIterator[tuple[int, Certificate]]:
    """A real HTTP/2 server over TLS that says in `x-seen` which version and authority it was asked with."""
    from hypercorn.asyncio import serve  # noqa: PLC0415  one test needs it
    from hypercorn.config import Config  # noqa: PLC0415

    async def app(scope, _receive, send) -> None:
        if scope["type"] != "http":
            return
        authority = dict(scope["headers"]).get(b"host", b"")
        seen = scope["http_version"].encode() + b" " + authority
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-seen", seen)]})
        await send({"type": "http.response.body", "body": b"ok"})

    listening = socket.create_server(("127.0.0.1", 0))
    config = Config()
    port = listening.getsockname()[1]
    config.bind = [f"fd://{listening.detach()}"]
    config.certfile, config.keyfile = str(certificate.file), str(certificate.key_file)
    config.graceful_timeout = 0.1
    over = asyncio.Event()
    task = asyncio.create_task(serve(app, config, shutdown_trigger=over.wait))
    yield port, certificate
    over.set()
    await task
