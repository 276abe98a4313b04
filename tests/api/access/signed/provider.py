# SPDX-License-Identifier: Apache-2.0
"""An identity provider on loopback: keys that sign tokens, and a real HTTP server that gives the public ones away."""

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ISSUER, AUDIENCE = "https://id.example/realms/edge", "edge-relocation"
Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]

_MADE: Mapping[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


def claims(**changes: object) -> dict[str, Any]:
    """What a good token says; a change to None leaves a claim out, and a `timedelta` is counted from now."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "engine", "exp": now + 300, "iat": now, "nbf": now}
    more = {"scope": "openid write", "projects": ["navigation"]}
    said = {name: value for name, value in {**good, **more, **changes}.items() if value is not None}
    return {
        name: now + int(value.total_seconds()) if isinstance(value, timedelta) else value
        for name, value in said.items()
    }


class Signing:
    """A private key, and what it signs."""

    def __init__(self, kid: str | None = "one", algorithm: str = "ES256") -> None:
        """Args: kid: its id; algorithm: what it is for."""
        self.kid, self.algorithm = kid, algorithm
        self.private = _MADE[algorithm]()

    def jwk(self, **more: object) -> dict[str, Any]:
        """The public half, as RFC 7517 has it."""
        maker = jwt.get_algorithm_by_name(self.algorithm)
        named = {} if self.kid is None else {"kid": self.kid}
        return {**maker.to_jwk(self.private.public_key(), as_dict=True), "use": "sig", **named, **more}

    def token(self, said: Mapping[str, Any] | None = None, **header: object) -> str:
        """A signed token, good unless told otherwise."""
        named = {} if self.kid is None else {"kid": self.kid}
        return jwt.encode(dict(said or claims()), self.private, self.algorithm, {**named, **header})


def by_hand(header: Mapping[str, object], payload: bytes, sign: Callable[[bytes], bytes]) -> str:
    """A token that no library would make."""
    signed = b".".join([_base64(json.dumps(header).encode()), _base64(payload)])
    return b".".join([signed, _base64(sign(signed))]).decode()


def _base64(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def plain(body: bytes | str, status: str = "200 OK", *headers: str) -> Reply:
    """An answer with that body."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close", *headers, "", ""]

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join(lines).encode() + content)
        await writer.drain()

    return reply


def key_set(*keys: Mapping[str, object]) -> Reply:
    """The answer that is wanted."""
    return plain(json.dumps({"keys": keys}), "200 OK", "Content-Type: application/json")


async def silence(_writer: asyncio.StreamWriter) -> None:
    """No answer."""
    await asyncio.Event().wait()


async def drip(writer: asyncio.StreamWriter) -> None:
    """An answer that comes, and comes."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await asyncio.sleep(0.01)


async def flood(writer: asyncio.StreamWriter) -> None:
    """An answer without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" " * 65536)
        await writer.drain()


class Provider:
    """Counts how often its keys are asked for, and answers as it is told."""

    def __init__(self) -> None:
        self.asked = 0
        self.reply: Reply = key_set()
        self.url = ""
        self._answering: set[asyncio.Task[None]] = set()

    def settings(self, **more: object) -> dict[str, object]:
        """Those by which it is believed."""
        return {"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": self.url, **more}

    @asynccontextmanager
    async def listening(self, context: ssl.SSLContext | None = None) -> AsyncIterator[None]:
        """On a free port, which stays its own when it stops to listen."""
        server = await asyncio.start_server(self._begin, "127.0.0.1", 0, ssl=context)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"
        try:
            yield
        finally:
            server.close()
            for task in self._answering:
                task.cancel()
            await asyncio.gather(*self._answering, return_exceptions=True)

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._answer(reader, writer))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            await self.reply(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # whoever asked has gone
        finally:
            writer.close()


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now
