# SPDX-License-Identifier: Apache-2.0
"""TLS to the API: files that every command takes which asks it, and what is wrong when there is no connection."""

import functools
import inspect
import ssl
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import httpx
import typer

from relocate.cli.exits import Wrong

_OTHER_NAME = frozenset({62, 64})
"""OpenSSL's codes for a certificate of another name, or another address (X509_V_ERR_HOSTNAME_MISMATCH, ..._IP_ADDRESS_MISMATCH)."""

_ENDED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""What becomes of a connection whose other end does not want it: only afterwards, as TLS 1.3 has it."""

_TRUST = "Say with --ca-file or RELOCATE_CA_FILE who has signed it."

_PLAIN = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""How OpenSSL's reasons begin when what comes is no TLS."""


class Files(NamedTuple):
    """PEM files."""

    ca_file: Annotated[
        Path | None,
        typer.Option(
            "--ca-file",
            envvar="RELOCATE_CA_FILE",
            help="Authority of the API's certificate, PEM; the system's if not given.",
            metavar="FILE",
        ),
    ] = None
    cert_file: Annotated[
        Path | None,
        typer.Option(
            "--cert-file",
            envvar="RELOCATE_CERT_FILE",
            help="Certificate that says who we are, PEM.",
            metavar="FILE",
        ),
    ] = None
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            envvar="RELOCATE_KEY_FILE",
            help="Its key, where it is in a file of its own.",
            metavar="FILE",
        ),
    ] = None


_FILES: ContextVar[Files] = ContextVar("files")


def taking_files(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options above, which it need not know of: `Client` finds them."""
    own = inspect.signature(command)
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in Files.__annotations__.items()
    ]

    @functools.wraps(command)
    def taking(
        *arguments: Any, ca_file: Path | None, cert_file: Path | None, key_file: Path | None, **rest: Any
    ) -> None:
        before = _FILES.set(Files(ca_file, cert_file, key_file))
        try:
            command(*arguments, **rest)
        finally:
            _FILES.reset(before)

    taking.__signature__ = own.replace(parameters=[*own.parameters.values(), *more])  # type: ignore[attr-defined]
    taking.__annotations__ = {**command.__annotations__, **Files.__annotations__}
    return taking


def context() -> ssl.SSLContext | bool:
    """What the command that runs was given, as httpx takes it. Raises Wrong."""
    files = _files()
    if files == Files():
        return True
    made = httpx.create_ssl_context() if files.ca_file is None else _trusting(files.ca_file)
    if files.cert_file is not None:
        _show(made, files.cert_file, files.key_file)
    elif files.key_file is not None:
        raise Wrong("--key-file: needs --cert-file, the certificate whose key it is")
    return made


def _trusting(authority: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise Wrong(f"--ca-file: {authority} cannot be read as certificates in PEM") from error


def _show(made: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    try:
        # Without a password here, OpenSSL would ask for that of a key that has one, and never in a sentence.
        made.load_cert_chain(certificate, key, password="")
    except OSError as error:
        where = "in it" if key is None else f"in {key}"
        raise Wrong(
            f"--cert-file: {certificate} and its key {where} cannot be read as PEM without a password"
        ) from error


def why_no_connection(error: httpx.TransportError, server: httpx.URL) -> str | None:
    """What TLS has to do with it, and what to do; None, if it has nothing."""
    found = _tls_error(error)
    if isinstance(found, ssl.SSLCertVerificationError):
        why = found.verify_message.rstrip(".")
        if found.verify_code in _OTHER_NAME:
            return f"its certificate is another name's ({why})."
        return f"its certificate is not trusted ({why}). {_TRUST}"
    if found is not None and (found.reason or "").startswith(_PLAIN):
        return "it does not speak TLS. Then its address begins with http://."
    if found is not None or isinstance(error, _ENDED):
        return _why_ended(server)
    return None


def _why_ended(server: httpx.URL) -> str | None:
    if server.scheme == "http":
        return "it ends the connection. Perhaps it speaks TLS; then its address begins with https://."
    if _files().cert_file is not None:
        return "it ends the connection. Perhaps it does not take the certificate of --cert-file, or that has expired."
    return None


def _files() -> Files:
    return _FILES.get(Files())


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The error of TLS from which this one came."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None
