# SPDX-License-Identifier: Apache-2.0
"""Signed tokens: who is let in as whom, and what is refused with which words."""

import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings, strategies as st
from structlog.testing import capture_logs

from api.access.jwt import LONGEST, Signed
from api.access.principal import Principal
from api.problems import RequestRefused
from tests.api.access.signed.provider import AUDIENCE, ISSUER, Provider, Signing, by_hand, claims, plain

MARK = "letmeinletmein"
"""Stands in claims that must not be repeated."""


def _asker(app: FastAPI, token: str) -> httpx.AsyncClient:
    headers = {b"Authorization": f"Bearer {token}".encode()}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge.example", headers=headers)


async def _refused(signed: Signed, token: str) -> RequestRefused:
    """The refusal; it says nothing of the token."""
    with pytest.raises(RequestRefused) as refused:
        await signed.principal(token)
    said = f"{refused.value}{refused.value.headers}"
    assert MARK not in said
    assert not [part for part in token.split(".") if len(part) > 8 and part in said]
    return refused.value


def _challenge(refused: RequestRefused) -> str:
    return refused.headers.get("WWW-Authenticate", "")


def _other(own: Signing, said: bytes | None = None, **header: object) -> str:
    """Signed well by the right key, with a header or a payload that is not right."""
    return by_hand(
        {"alg": "ES256", "kid": "one", **header},
        json.dumps(claims()).encode() if said is None else said,
        lambda signed: jwt.get_algorithm_by_name("ES256").sign(signed, own.private),
    )


async def test_a_good_token_says_who_asks(signed: Signed, own: Signing) -> None:
    """Its name, the scopes of ours, and its projects."""
    assert await signed.principal(own.token()) == Principal(
        "engine", "jwt", frozenset({"write"}), frozenset({"navigation"})
    )


@pytest.mark.parametrize(
    ("said", "scopes"),
    [
        ({}, ["write"]),
        ({"scope": "read write admin email"}, ["admin", "read", "write"]),
        ({"scope": ["admin", "offline_access"]}, ["admin"]),
        ({"scope": "Read WRITE"}, []),
        ({"scope": ""}, []),
        ({"scope": []}, []),
        ({"scope": None}, []),
    ],
    ids=str,
)
async def test_scopes_are_words_or_a_list(
    signed: Signed, own: Signing, said: Mapping[str, object], scopes: list[str]
) -> None:
    """Those that are not ours are passed over; whoever has none may do nothing."""
    assert (await signed.principal(own.token(claims(**said)))).scopes == set(scopes)


async def test_scopes_may_have_a_claim_and_a_beginning_of_their_own(
    make_signed: Callable[..., Signed], own: Signing
) -> None:
    """A provider's `admin` is not ours, then."""
    signed = make_signed(scopes_claim="roles", scope_prefix="relocate:", name_claim="client_id", projects_claim="team")
    token = own.token(claims(roles=["admin", "relocate:read", "relocate:"], client_id="screen", team="maps mec-1"))
    assert await signed.principal(token) == Principal(
        "screen", "jwt", frozenset({"read"}), frozenset({"maps", "mec-1"})
    )


@pytest.mark.parametrize(
    ("said", "projects"),
    [
        ({"projects": "a b"}, ["a", "b"]),
        ({"projects": ["a", "*"]}, ["*", "a"]),
        ({"projects": "*"}, ["*"]),
        ({"projects": None}, ["own"]),
    ],
    ids=str,
)
async def test_projects_are_words_or_a_list(
    make_signed: Callable[..., Signed], own: Signing, said: Mapping[str, object], projects: list[str]
) -> None:
    """Without the claim they are those that the settings give."""
    principal = await make_signed(projects=["own"]).principal(own.token(claims(**said)))
    assert principal.projects == set(projects)


@pytest.mark.parametrize("said", [None, [], "", "  "])
async def test_who_has_no_project_is_forbidden_everything(signed: Signed, own: Signing, said: object) -> None:
    """403 with the reason, as the token itself is good."""
    token = own.token({**claims(projects=None), **({} if said is None else {"projects": said})})
    refused = await _refused(signed, token)
    assert refused.name == "forbidden"
    assert "names no project" in str(refused)


MALFORMED: Mapping[str, tuple[object, ...]] = {
    "sub": ("", 7, " ", f" {MARK}", f"{MARK}\n", "\u202eenigne", "\x00", "x" * 129, ["engine"], {}),
    "scope": (7, True, {MARK: 1}, ["read", 7], [["read"]]),
    "projects": (7, {MARK: 1}, ["a", 7], [""], "../a", [f"{MARK} x"], f"{MARK}/", ["x" * 129], "a\u00e9"),
    "exp": ("4102444800", MARK, [], float("nan"), float("inf")),
    "nbf": ("1700000000", MARK, True, {}),
    "iat": ("1700000000", MARK, True, []),
}


@pytest.mark.parametrize(
    ("claim", "value"), [(claim, value) for claim, values in MALFORMED.items() for value in values], ids=repr
)
async def test_a_malformed_claim_is_refused(signed: Signed, own: Signing, claim: str, value: object) -> None:
    """It is not passed over, as the rest may mean less than it seems to."""
    refused = await _refused(signed, _other(own, json.dumps({**claims(), claim: value}).encode()))
    assert refused.name == "unauthorized"
    assert "malformed" in _challenge(refused)


@pytest.mark.parametrize("claim", ["exp", "iss", "aud", "sub"])
async def test_what_is_missing_is_named(signed: Signed, own: Signing, claim: str) -> None:
    """Without an end, an issuer, an audience or a name a token is refused; the other times may be missing."""
    assert f"the claim {claim} is missing" in _challenge(await _refused(signed, own.token(claims(**{claim: None}))))
    assert await signed.principal(own.token(claims(nbf=None, iat=None)))


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"exp": timedelta(seconds=-3600)}, "expired"),
        ({"exp": timedelta(seconds=-31)}, "expired"),
        ({"exp": timedelta(seconds=-3600), "nbf": timedelta(seconds=3600)}, "not yet valid"),
        ({"nbf": timedelta(seconds=3600)}, "not yet valid"),
        ({"iat": timedelta(seconds=3600)}, "not yet valid"),
        ({"aud": "another-service"}, "wrong audience"),
        ({"aud": ["another-service", f"{AUDIENCE}/"]}, "wrong audience"),
        ({"aud": {AUDIENCE: 1}}, "wrong audience"),
        ({"iss": f"{ISSUER}/"}, "wrong issuer"),
        ({"iss": ISSUER.upper()}, "wrong issuer"),
        ({"iss": [ISSUER]}, "wrong issuer"),
    ],
    ids=str,
)
async def test_a_refusal_says_what_is_wrong(
    signed: Signed, own: Signing, said: Mapping[str, object], error: str
) -> None:
    """In the way of RFC 6750."""
    refused = await _refused(signed, _other(own, json.dumps(claims(**said)).encode()))
    assert refused.name == "unauthorized"
    assert _challenge(refused) == f'Bearer error="invalid_token", error_description="{error}"'
    assert str(refused) == f"the signed token is not valid: {error}"


async def test_clocks_may_differ_a_little(make_signed: Callable[..., Signed], own: Signing) -> None:
    """By the leeway, in either direction; and an audience may be one of several."""
    near = claims(
        exp=timedelta(seconds=-60), nbf=timedelta(seconds=200), iat=timedelta(seconds=200), aud=["other", AUDIENCE]
    )
    assert (await make_signed(leeway_seconds=300).principal(own.token(near))).name == "engine"
    assert "not yet valid" in _challenge(await _refused(make_signed(leeway_seconds=0), own.token(near)))


def _hmac_with_public_key(algorithm: str, form: PublicFormat, encoding: Encoding) -> Callable[[Signing, Signing], str]:
    def forge(own: Signing, rsa_key: Signing) -> str:
        key = own if form is PublicFormat.UncompressedPoint else rsa_key
        secret = key.private.public_key().public_bytes(encoding, form)
        digest = getattr(hashlib, f"sha{algorithm[2:]}")
        return by_hand(
            {"alg": algorithm, "kid": key.kid},
            json.dumps(claims()).encode(),
            lambda signed: hmac.digest(secret, signed, digest),
        )

    return forge


def _altered(own: Signing) -> str:
    header, _, signature = own.token().split(".")
    return ".".join([header, own.token(claims(sub="root")).split(".")[1], signature])


STRANGER = Signing("one")
STRANGERS_JWK = STRANGER.jwk()
_GOOD = json.dumps(claims()).encode()
FORGERIES: Mapping[str, tuple[Callable[[Signing, Signing], str], str]] = {
    "alg none": (lambda _own, _rsa: by_hand({"alg": "none", "kid": "one"}, _GOOD, lambda _: b""), "algorithm"),
    "alg None": (lambda _own, _rsa: by_hand({"alg": "None"}, _GOOD, lambda _: b""), "algorithm"),
    "no alg": (lambda _own, _rsa: by_hand({"kid": "one"}, _GOOD, lambda _: b"x" * 64), "algorithm"),
    "alg list": (lambda own, _rsa: _other(own, alg=["ES256"]), "algorithm"),
    "HS256, PEM": (_hmac_with_public_key("HS256", PublicFormat.SubjectPublicKeyInfo, Encoding.PEM), "algorithm"),
    "HS512, DER": (_hmac_with_public_key("HS512", PublicFormat.PKCS1, Encoding.DER), "algorithm"),
    "HS256, point": (_hmac_with_public_key("HS256", PublicFormat.UncompressedPoint, Encoding.X962), "algorithm"),
    "ES512": (lambda own, _rsa: _other(own, alg="ES512"), "algorithm"),
    "kid of another kind": (lambda own, _rsa: own.token(kid="rsa"), "unknown key"),
    "unknown kid": (lambda own, _rsa: own.token(kid="three"), "unknown key"),
    "kid is a number": (lambda own, _rsa: _other(own, kid=1), "malformed"),
    "stranger's key": (lambda _own, _rsa: STRANGER.token(), "wrong signature"),
    "stranger's key, sent along": (lambda _own, _rsa: STRANGER.token(jwk=STRANGERS_JWK), "wrong signature"),
    "stranger's key, linked": (lambda _own, _rsa: STRANGER.token(jku="http://127.0.0.1:9/"), "wrong signature"),
    "cut signature": (lambda own, _rsa: own.token()[:-2], "wrong signature"),
    "no signature": (lambda own, _rsa: own.token().rpartition(".")[0] + ".", "wrong signature"),
    "zero signature": (
        lambda _own, _rsa: by_hand({"alg": "ES256", "kid": "one"}, _GOOD, lambda _: bytes(64)),
        "wrong sig",
    ),
    "altered payload": (lambda own, _rsa: _altered(own), "wrong signature"),
    "unknown crit": (lambda own, _rsa: own.token(crit=["exp-ext"], **{"exp-ext": 1}), "malformed"),
    "empty crit": (lambda own, _rsa: _other(own, crit=[]), "malformed"),
    "unencoded payload": (lambda own, _rsa: _other(own, b64=False, crit=["b64"]), "malformed"),
    "JWE": (
        lambda _own, _rsa: ".".join(["eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ", *["b2s0aG9s"] * 4]),
        "malformed",
    ),
    "nested": (lambda own, _rsa: _other(own, own.token().encode(), cty="JWT"), "malformed"),
    "list": (lambda own, _rsa: _other(own, b"[]"), "malformed"),
    "deep payload": (lambda own, _rsa: _other(own, b"[" * 5000), "malformed"),
    "not UTF-8": (lambda own, _rsa: _other(own, b'{"sub": "\xff"}'), "malformed"),
    "garbage": (lambda _own, _rsa: "garbage", "malformed"),
    "nothing": (lambda _own, _rsa: "", "malformed"),
    "dots": (lambda _own, _rsa: "..", "malformed"),
    "not ASCII": (lambda own, _rsa: own.token() + "\u00e9", "malformed"),
    "padded": (lambda own, _rsa: own.token().replace(".", "=.", 1), "malformed"),
    "too long": (lambda own, _rsa: own.token(claims(more="x" * LONGEST)), "too long"),
    "1 MB": (lambda _own, _rsa: "e" * 1024 * 1024, "too long"),
    "1 MB of dots": (lambda _own, _rsa: "." * 1024 * 1024, "too long"),
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_forgeries_are_refused(
    make_app: Callable[..., FastAPI],
    provider: Provider,
    own: Signing,
    rsa_key: Signing,
    caplog: pytest.LogCaptureFixture,
    *,
    name: str,
) -> None:
    """401 says why; nothing of the token stands in the answer, or in a log."""
    caplog.set_level(logging.DEBUG)
    forge, why = FORGERIES[name]
    token = forge(own, rsa_key)
    with capture_logs() as lines:
        async with _asker(make_app(jwt=provider.settings()), token) as client:
            answer = await client.get("/v1/relocations")
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthorized")
    assert why in answer.headers["www-authenticate"]
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    said = f"{answer.text}{answer.headers}{lines}{caplog.text}"
    assert not [part for part in token.split(".") if len(part) > 8 and part in said]
    assert provider.asked <= 1


ANY = st.characters(codec="latin-1")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_token_that_was_changed_anywhere_is_good(signed: Signed, own: Signing, data: st.DataObject) -> None:
    """One character is replaced, put in or taken out; and nothing but a 401 is the answer."""
    token = own.token()
    at = data.draw(st.integers(0, len(token) - 1))
    changed = token[:at] + data.draw(st.text(ANY, max_size=2)) + token[at + data.draw(st.integers(0, 1)) :]
    if changed != token:
        assert (await _refused(signed, changed)).name == "unauthorized"


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CLAIMS = st.dictionaries(st.sampled_from([*claims(), "jti"]), JUNK, max_size=4)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=CLAIMS)
async def test_junk_that_the_issuer_signed_is_let_in_or_refused(
    signed: Signed, own: Signing, said: Mapping[str, Any]
) -> None:
    """Whatever its claims are, nothing else happens; whoever is let in has a name and projects."""
    token = _other(own, json.dumps({**claims(), **said}).encode())
    try:
        principal = await signed.principal(token)
    except RequestRefused:
        assert (await _refused(signed, token)).name in ("unauthorized", "forbidden")
    else:
        assert 1 <= len(principal.name) <= 128
        assert principal.projects


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "cty", "zip"]), JUNK))
async def test_a_header_of_junk_is_refused(signed: Signed, own: Signing, header: Mapping[str, Any]) -> None:
    """Whatever stands in it that nobody has checked yet, a stranger's signature is not taken."""
    assert (await _refused(signed, _other(STRANGER, **header))).name == "unauthorized"


async def test_the_record_says_who_asked(
    make_app: Callable[..., FastAPI], provider: Provider, own: Signing, dispatch: Any
) -> None:
    """By the token's name, as with a static one."""
    async with _asker(make_app(jwt=provider.settings()), own.token(claims(projects="*"))) as client:
        assert (await client.post("/relocate", json={"application": "assist"})).status_code == 202
        assert (await client.delete("/v1/clusters/mec-a")).status_code == 403
    assert dispatch.actors[0].who == "engine"


async def test_the_api_says_when_to_come_back(
    make_app: Callable[..., FastAPI], provider: Provider, own: Signing
) -> None:
    """503 while the issuer's keys cannot be had; static tokens count meanwhile, and the page is open."""
    provider.reply = plain("", "503 Service Unavailable")
    tokens = [{"name": "screen", "token": "r" * 20}]
    app = make_app(jwt=provider.settings(), tokens=tokens)
    async with _asker(app, own.token()) as client:
        answer = await client.get("/v1/relocations")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/issuer-unavailable")
        assert 1 <= int(answer.headers["retry-after"]) <= 10
        assert (await client.get("/")).status_code == 200
    async with _asker(app, "r" * 20) as client:
        assert (await client.get("/v1/relocations")).status_code == 200
