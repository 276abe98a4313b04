# SPDX-License-Identifier: Apache-2.0
"""TLS of the API's listener: its certificate, and whose certificates callers may show, from files that may change at any time."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.access.certificates import NAMES, Shown
from relocate.errors import InvalidRequest
from relocate.settings import Settings
from relocate.stamp import stamp

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Files:
    """PEM files, as the settings of the same names (`tls_...`) say."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """None, where the API speaks plain HTTP."""
        if settings.tls_certificate is None or settings.tls_key is None:
            return None
        return cls(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)

    def context(self) -> ssl.SSLContext:
        """For one listener, with what the files say now.

        Raises:
            InvalidRequest: one of them cannot be read, holds something else, or does not go with another.
        """
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        _check_certificates(self.certificate, "tls_certificate")
        _check_readable(self.key, "tls_key")
        try:
            # Without a password here, OpenSSL would ask a terminal for that of a key that has one.
            made.load_cert_chain(self.certificate, self.key, password="")
        except OSError as error:
            raise _wrong(
                "tls_key", f"{self.key} is not the key of {self.certificate}, as PEM without a password"
            ) from error
        if self.client_ca is not None:
            _check_certificates(self.client_ca, "tls_client_ca")
            made.load_verify_locations(self.client_ca)
            made.verify_mode = ssl.CERT_OPTIONAL
        return made

    def stamp(self) -> object:
        """What changes when one of them does."""
        return stamp(*(file for file in (self.certificate, self.key, self.client_ca) if file is not None))


class Fresh(ssl.SSLContext):
    """Stands for the context of the files as they are: each connection is made with what they say when it begins.

    A new context takes nothing over from the one before, neither authorities nor sessions. While what stands in the files makes no
    sense, the one from before goes on.
    """

    def __new__(cls, files: Files) -> Self:  # noqa: ARG004 - __init__ takes it
        """A context of which nothing is used but its place."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, files: Files) -> None:
        """Read them for the first time. Raises InvalidRequest, as `Files.context`."""
        self._files = files
        self._seen = files.stamp()
        self._current = files.context()

    def wrap_bio(self, *arguments: Any, **more: Any) -> ssl.SSLObject:
        """As the base; event loops make every connection by it."""
        return self._look().wrap_bio(*arguments, **more)

    def _look(self) -> ssl.SSLContext:
        found = self._files.stamp()
        if found != self._seen:
            self._seen = found
            try:
                self._current = self._files.context()
            except (InvalidRequest, OSError) as error:
                _log.error("the certificates from before are used", reason=str(error))
            else:
                _log.info("the certificates were read anew")
        return self._current


class Certified(HttpToolsProtocol):
    """uvicorn's protocol, which also tells the app whose certificate the connection was made with.

    Nothing that is sent over the connection comes near that: the names are those that the TLS library has verified.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As the base; the handshake is over."""
        super().connection_made(transport)
        self.app = _named(self.app, transport.get_extra_info("peercert"))


def _named(app: Any, certificate: Mapping[str, Any] | None) -> ASGIApp:
    shown = Shown.of(certificate)

    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        scope[NAMES] = shown.at(time.time())
        await app(scope, receive, send)

    return named


def _check_certificates(file: Path, field: str) -> None:
    _check_readable(file, field)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:
        raise _wrong(field, f"{file} holds no certificates as PEM") from error


def _check_readable(file: Path, field: str) -> None:
    try:
        file.read_bytes()
    except OSError as error:
        raise _wrong(field, str(error)) from error


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {message}", field=field)
