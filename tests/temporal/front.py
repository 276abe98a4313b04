# SPDX-License-Identifier: Apache-2.0
"""A Temporal frontend as clouds offer it: TLS, client certificates and API keys, before a dev server that knows none of them.

Everything that Temporal's API has is one question with one answer, so each is handed on as the bytes it is.
"""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import grpc

from tests.testbed.pki import Pair

_ANY_SIZE = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0))
_OWN = ("grpc-", "authorization", "user-agent", ":")
"""Beginnings of metadata that belong to one connection."""


class Front(grpc.GenericRpcHandler):
    """Listens on one port of loopback; what it demands may differ each time it is started."""

    def __init__(self, upstream: str, port: int, own: Pair) -> None:
        """Args: upstream: HOST:PORT of the dev server; port: where to listen; own: the front's certificate."""
        self._own = own
        self._upstream = upstream
        self.address = f"127.0.0.1:{port}"
        self.seen: set[tuple[str, str, str]] = set()
        """Method, name in the client's certificate, and API key of what was handed on since the start."""
        self._keys: frozenset[str] = frozenset()

    async def start(self, authorities: Iterable[Path], keys: Iterable[str]) -> None:
        """Listen; authorities: of clients' certificates, keys: API keys that are taken."""
        self._keys, self.seen = frozenset(keys), set()
        pair = (self._own.key.read_bytes(), self._own.certificate.read_bytes())
        trusted = b"".join(one.read_bytes() for one in authorities)
        credentials = grpc.ssl_server_credentials([pair], trusted, require_client_auth=True)
        self._channel = grpc.aio.insecure_channel(self._upstream, options=_ANY_SIZE)
        self._server = grpc.aio.server(handlers=[self], options=_ANY_SIZE)
        self._server.add_secure_port(self.address, credentials)
        await self._server.start()

    async def stop(self) -> None:
        """Break off every connection."""
        await self._server.stop(grace=None)
        await self._channel.close()

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """What answers one question."""
        return grpc.unary_unary_rpc_method_handler(functools.partial(self._forward, details.method))

    async def _forward(self, method: str, request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        metadata = context.invocation_metadata() or ()
        key = _said(metadata, "authorization").removeprefix("Bearer ")
        if key not in self._keys:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the API key is not known")
        (name,) = context.auth_context()["x509_common_name"]
        self.seen.add((method.rpartition("/")[2], name.decode(), key))
        passed = [(name, value) for name, value in metadata if not name.startswith(_OWN)]
        ask = self._channel.unary_unary(method)
        try:
            answer: bytes = await ask(request, metadata=passed, timeout=context.time_remaining())
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata()))
            raise
        return answer


def _said(metadata: Iterable[tuple[str, Any]], name: str) -> str:
    return next((str(value) for key, value in metadata if key == name), "")
