# SPDX-License-Identifier: Apache-2.0
"""Callers show certificates: who is let in, who is not, and that nobody is taken for another."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from api.access.certificates import NAMES, Shown
from relocate.settings import Settings
from tests.api.access.tls.authority import HOUR, SERVER, Authority
from tests.api.access.tls.conftest import ENGINE, ROBOT, TOKEN, Ask
from tests.api.access.tls.served import Loops, say, served
from tests.api.memory_dispatch import MemoryDispatch

WANTED = {"application": "assist"}
CLUSTER = {"name": "mec-c", "driver": "memory"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_a_known_name_is_let_in_with_its_scopes(ask: Ask, callers: Authority, dispatch: MemoryDispatch) -> None:
    """It may what is configured for it and no more, and the record has its name."""
    with ask(callers.named(ENGINE)) as engine:
        assert engine.get("/v1/relocations").status_code == 200
        assert engine.post("/relocate", json=WANTED).status_code == 202
        refused = engine.put("/v1/clusters/mec-c", json=CLUSTER)
    assert (refused.status_code, refused.json()["detail"]) == (403, f"{ENGINE} lacks the scope admin")
    assert [actor.who for actor in dispatch.actors] == [ENGINE]


def test_a_uri_is_a_name_too(ask: Ask, callers: Authority) -> None:
    """As those are that SPIFFE gives; one that is too weak for what it asks is refused with 403."""
    with ask(callers.named(ROBOT)) as robot:
        assert robot.get("/v1/relocations").status_code == 200
        assert robot.post("/relocate", json=WANTED).status_code == 403


def test_any_of_its_names_counts(ask: Ask, callers: Authority) -> None:
    """A certificate may have others beside the one that is known."""
    shown = callers.issue(x509.DNSName("other.example"), x509.DNSName(ENGINE))
    with ask(shown) as engine:
        assert engine.get("/v1/relocations").status_code == 200


@pytest.mark.parametrize("name", ["stranger.example", f"{ENGINE}.example", "*.example", f"sub.{ENGINE}", ENGINE[1:]])
def test_an_unknown_name_is_nobody(ask: Ask, callers: Authority, name: str) -> None:
    """Names are compared as wholes; the connection stands, and a token opens it."""
    with ask(callers.named(name)) as client:
        assert client.get("/v1/relocations").status_code == 401
        assert client.get("/v1/relocations", headers=BEARER).status_code == 200


def test_without_a_certificate_a_token_is_needed(ask: Ask) -> None:
    """To show one is nobody's duty."""
    with ask() as client:
        assert client.get("/v1/relocations").status_code == 401
        assert client.get("/v1/relocations", headers=BEARER).status_code == 200


def test_a_common_name_is_no_name(ask: Ask, callers: Authority) -> None:
    """Only alternative names count (RFC 9525), whether there are others or not."""
    for names in ((), (x509.DNSName("stranger.example"), x509.RFC822Name(ENGINE))):
        with ask(callers.issue(*names, common=ENGINE)) as client:
            assert client.get("/v1/relocations").status_code == 401


def _refused(client: httpx.Client) -> None:
    with client, pytest.raises(httpx.TransportError):
        client.get("/v1/relocations", headers=BEARER)


def test_a_certificate_of_another_authority_is_no_way_in(ask: Ask, strangers: Authority, ours: Authority) -> None:
    """There is no connection, though the name is right and a good token is there; nor by the authority of our own certificate."""
    for authority in (strangers, ours):
        _refused(ask(authority.named(ENGINE)))
    with ask() as other:
        assert other.get("/v1/relocations", headers=BEARER).status_code == 200


@pytest.mark.parametrize("times", [(-2 * HOUR, -timedelta(seconds=1)), (HOUR, 2 * HOUR)], ids=["over", "not yet"])
def test_a_certificate_out_of_its_time_is_no_way_in(
    ask: Ask, callers: Authority, times: tuple[timedelta, timedelta]
) -> None:
    """There is no connection."""
    begins, ends = times
    _refused(ask(callers.issue(x509.DNSName(ENGINE), begins=begins, ends=ends)))


def test_a_certificate_of_servers_is_no_way_in(ask: Ask, callers: Authority) -> None:
    """Who serves under a name may not ask under it, unless its certificate is for both."""
    _refused(ask(callers.issue(x509.DNSName(ENGINE), uses=SERVER)))


FORGED = {
    NAMES: ENGINE,
    "Relocate-Certificate": ENGINE,
    "X-Client-Cert": ENGINE,
    "X-SSL-Client-S-DN": f"CN={ENGINE}",
    "X-SSL-Client-Verify": "SUCCESS",
    "X-Forwarded-Client-Cert": f"By={ROBOT};URI={ROBOT};DNS={ENGINE}",
    "Client-Cert": ":MIIB:",
    "Forwarded": f"for={ENGINE}",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Proto": "https",
}


def test_a_forged_header_changes_nothing(ask: Ask, callers: Authority) -> None:
    """Whatever proxies say by headers, here nobody listens; neither for who has no certificate nor for who has another."""
    for shown in (None, callers.named("stranger.example")):
        with ask(shown, headers=FORGED) as client:
            assert client.get("/v1/relocations").status_code == 401
    with ask(callers.named(ROBOT), headers=FORGED) as robot:
        assert robot.post("/relocate", json=WANTED).status_code == 403


@pytest.mark.parametrize("sent", ["Bearer " + "w" * 20, "Bearer", "", "Basic " + TOKEN])
def test_a_wrong_token_is_not_made_good_by_a_certificate(ask: Ask, callers: Authority, sent: str) -> None:
    """What is sent counts; a caller who means to be somebody else must not become this one without notice."""
    with ask(callers.named(ENGINE)) as client:
        assert client.get("/v1/relocations", headers={"Authorization": sent}).status_code == 401


def test_a_token_beside_a_certificate_says_who_it_is(ask: Ask, callers: Authority, dispatch: MemoryDispatch) -> None:
    """The token's scopes count, and its name is on record."""
    with ask(callers.named(ROBOT)) as client:
        assert client.post("/relocate", json=WANTED, headers=BEARER).status_code == 202
    assert [actor.who for actor in dispatch.actors] == ["operator"]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says who asks, after a turn of the loop in which others are served."""
    await asyncio.sleep(0)
    await JSONResponse(scope[NAMES])(scope, receive, send)


@asynccontextmanager
async def _connection(port: int, context: ssl.SSLContext) -> AsyncIterator[httpx.AsyncClient]:
    """One connection, which is kept."""
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(
        base_url=f"https://127.0.0.1:{port}", verify=context, limits=limits, trust_env=False, timeout=20
    ) as client:
        yield client


async def _asked(port: int, context: ssl.SSLContext, times: int) -> Sequence[Any]:
    """What it answers on one connection."""
    async with _connection(port, context) as client:
        return [(await client.get("/")).json() for _ in range(times)]


async def test_names_stay_with_their_connection(
    tls: dict[str, Any], loops: Loops, ours: Authority, callers: Authority
) -> None:
    """Sixty at once, of five callers and nobody, each with several requests: every request has its own caller's names."""
    names = [f"caller-{number}.example" for number in range(5)]
    contexts = {name: ours.context(callers.named(name)) for name in names} | {"": ours.context()}
    mixed = [name for _ in range(10) for name in contexts]
    with served(echo, Settings.model_validate(tls), loops) as port:
        heard = await asyncio.gather(*(_asked(port, contexts[name], 5) for name in mixed))
    assert [list(each) for each in heard] == [[[name] if name else []] * 5 for name in mixed]


async def test_a_resumed_session_is_its_owners(
    tls: dict[str, Any], loops: Loops, ours: Authority, callers: Authority
) -> None:
    """The handshake is shortened, and the names are those of the certificate that was shown in the long one."""
    with served(echo, Settings.model_validate(tls), loops) as port:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ours.context(callers.named(ENGINE))
            context.maximum_version = version
            first = await asyncio.to_thread(say, port, context)
            second = await asyncio.to_thread(say, port, context, first.session)
            assert (first.reused, second.reused) == (False, True)
            assert first.answer.endswith(f'["{ENGINE}"]'.encode())
            assert second.answer.endswith(f'["{ENGINE}"]'.encode())


def test_a_certificate_that_ends_ends_on_a_connection_too() -> None:
    """A connection may be kept for longer than the certificate is valid with which it was made."""
    shown = Shown.of({"subjectAltName": (("DNS", ENGINE),), "notAfter": "Jan  1 00:00:00 2030 GMT"})
    end = ssl.cert_time_to_seconds("Jan  1 00:00:00 2030 GMT")
    assert [shown.at(now) for now in (0.0, end - 1, end, end + 1)] == [(ENGINE,), (ENGINE,), (), ()]


@pytest.mark.parametrize(
    ("kind", "value", "counts"),
    [
        ("DNS", ENGINE, True),
        ("URI", ROBOT, True),
        ("DNS", ROBOT, False),
        ("URI", ENGINE, False),
        ("email", ENGINE, False),
        ("IP Address", "192.0.2.1", False),
        ("DirName", ((("commonName", ENGINE),),), False),
    ],
)
def test_names_are_of_two_kinds(kind: str, value: Any, counts: bool) -> None:
    """None of one kind passes for one of the other, and nothing else is a name."""
    shown = Shown.of({"subjectAltName": ((kind, value),), "notAfter": "Jan  1 00:00:00 2030 GMT"})
    assert shown.names == ((value,) if counts else ())


@pytest.mark.parametrize("certificate", [None, {}])
def test_no_certificate_has_no_names(certificate: dict[str, Any] | None) -> None:
    """Python says so of none, and of one that was not verified."""
    assert Shown.of(certificate).at(0) == ()
