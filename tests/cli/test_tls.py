# SPDX-License-Identifier: Apache-2.0
"""The command against an API that speaks TLS: whom it trusts, what it shows, and what it says when there is no connection."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from fastapi import FastAPI
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from relocate.cli.program import app as command
from relocate.settings import Settings
from tests.api.access.tls.authority import SERVER, Authority, Pair
from tests.api.access.tls.conftest import ENGINE, KNOWN, TOKEN, callers, ours, own, tls
from tests.api.access.tls.served import served
from tests.api.access.tls.test_certificates import echo

__all__ = ["callers", "ours", "own", "tls"]

Run = Callable[..., Result]


@pytest.fixture
def address(make_app: Callable[..., FastAPI], tls: dict[str, Any]) -> Iterator[str]:
    """Of the API."""
    app = make_app(**tls, **KNOWN)
    settings = Settings.model_validate({**tls, **KNOWN})
    with capture_logs(), served(app, settings, asyncio.new_event_loop, stop=app.state.service.tail.stop) as port:
        yield f"https://127.0.0.1:{port}"


@pytest.fixture
def run(address: str) -> Run:
    """The command."""

    def run(*arguments: object, server: str = address, **environment: str) -> Result:
        runner = CliRunner(env={"RELOCATE_SERVER": server, "NO_COLOR": "1", **environment})
        return runner.invoke(command, [str(one) for one in arguments])

    return run


def _shown(pair: Pair) -> tuple[object, ...]:
    return ("--cert-file", pair.certificate, "--key-file", pair.key)


def test_a_token_goes_to_whom_it_is_meant_for(run: Run, ours: Authority) -> None:
    """With the authority of the API's certificate, all is as without TLS."""
    assert run("status", "--ca-file", ours.file, "--token", TOKEN).exit_code == 0
    assert run("status", "--token", TOKEN, RELOCATE_CA_FILE=str(ours.file)).exit_code == 0


def test_a_certificate_stands_for_a_token(run: Run, ours: Authority, callers: Authority) -> None:
    """By options, by variables, and in one file with its key; events are followed with it too."""
    pair = callers.named(ENGINE)
    both = pair.certificate.with_name("both.pem")
    both.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
    variables = {"RELOCATE_CERT_FILE": str(pair.certificate), "RELOCATE_KEY_FILE": str(pair.key)}
    trust = ("--ca-file", ours.file)
    assert run("start", "assist", "--target", "mec-b", *trust, *_shown(pair)).exit_code == 0
    assert run("status", "r-1", *trust, **variables).exit_code == 0
    assert run("status", *trust, "--cert-file", both).exit_code == 0
    assert run("status", *trust).exit_code == 3


def test_files_are_those_of_one_command(run: Run, ours: Authority) -> None:
    """What one was given the next one in the same process does not have."""
    assert run("status", "--ca-file", ours.file, "--token", TOKEN).exit_code == 0
    assert run("status", "--token", TOKEN).exit_code == 4


def test_a_stranger_is_not_told_the_token(run: Run, callers: Authority) -> None:
    """A certificate of an authority that is not trusted, the system's or the one that is named: the sentence says what to give."""
    for trust in ((), ("--ca-file", callers.file)):
        told = run("status", "--token", TOKEN, *trust)
        assert told.exit_code == 4
        assert "its certificate is not trusted (" in told.stderr
        assert told.stderr.endswith("Say with --ca-file or RELOCATE_CA_FILE who has signed it.\n")


def test_another_name_is_told(run: Run, ours: Authority) -> None:
    """The right authority, and the wrong server."""
    own = ours.issue(x509.DNSName("elsewhere.example"), uses=SERVER)
    settings = Settings(tls_certificate=own.certificate, tls_key=own.key)
    with served(echo, settings, asyncio.new_event_loop) as port:
        told = run("status", "--ca-file", ours.file, server=f"https://127.0.0.1:{port}")
    assert told.exit_code == 4
    assert (
        "its certificate is another name's (IP address mismatch, certificate is not valid for '127.0.0.1')"
        in told.stderr
    )


def test_a_certificate_that_is_not_taken_is_told(run: Run, ours: Authority, callers: Authority) -> None:
    """By the server, because of who signed it or because its time is over."""
    for pair in (ours.named(ENGINE), callers.issue(x509.DNSName(ENGINE), ends=-timedelta(minutes=1))):
        told = run("status", "--ca-file", ours.file, *_shown(pair))
        assert told.exit_code == 4
        assert "Perhaps it does not take the certificate of --cert-file, or that has expired." in told.stderr


def test_the_wrong_scheme_is_told(run: Run, address: str, server: str, ours: Authority) -> None:
    """Both ways."""
    plain = run("status", server=address.replace("https:", "http:"))
    assert (plain.exit_code, "then its address begins with https://" in plain.stderr) == (4, True)
    secure = run("status", "--ca-file", ours.file, server=server.replace("http:", "https:"))
    assert (secure.exit_code, "Then its address begins with http://" in secure.stderr) == (4, True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--ca-file", "nothing.pem"), "--ca-file: nothing.pem cannot be read"),
        (("--ca-file", __file__), "cannot be read as certificates in PEM"),
        (("--cert-file", "nothing.pem"), "--cert-file: nothing.pem and its key"),
        (("--cert-file", __file__), "cannot be read as PEM"),
        (("--key-file", __file__), "--key-file: needs --cert-file"),
    ],
)
def test_wrong_files_are_wrong_usage(options: tuple[str, ...], told: str) -> None:
    """Nothing is sent, and the option is named."""
    result = CliRunner().invoke(command, ["status", "--server", "https://127.0.0.1:1", *options])
    assert result.exit_code == 2
    assert told in result.stderr


def test_doctor_asks_health_in_the_clear(run: Run, ours: Authority) -> None:
    """The listener for health has no TLS, also where the API has."""
    told = run("doctor", "--ca-file", ours.file, "--token", TOKEN)
    assert "http://127.0.0.1:8071 tells nothing." in told.stdout or "database" in told.stdout
    assert "https://127.0.0.1:8071" not in told.stdout
