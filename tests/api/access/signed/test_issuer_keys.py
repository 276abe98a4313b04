# SPDX-License-Identifier: Apache-2.0
"""Where the keys of an issuer come from, how often they are asked for, and what counts while they cannot be had."""

import asyncio
import json
import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings, strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from api.access import issuer_keys
from api.access.jwt import Signed
from api.access.key_set import KeySet, NotAKeySet
from api.problems import RequestRefused
from relocate.credentials import Issuer
from tests.api.access.signed.provider import (
    AUDIENCE,
    ISSUER,
    Clock,
    Provider,
    Reply,
    Signing,
    drip,
    flood,
    key_set,
    plain,
    silence,
)
from tests.testbed.pki import Authority

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")


@contextmanager
def _impatience() -> Iterator[None]:
    """Meanwhile nobody waits for five seconds."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(issuer_keys, "PATIENCE", 0.1)
        yield


async def _said(signed: Signed, token: str) -> str:
    """Who is let in, or how he is refused."""
    try:
        return (await signed.principal(token)).name
    except RequestRefused as refused:
        return refused.name


async def test_keys_are_fetched_once_and_used_again(
    provider: Provider, signed: Signed, own: Signing, rsa_key: Signing
) -> None:
    """The first token brings them; the next ones ask nobody."""
    assert [await _said(signed, key.token()) for key in (own, rsa_key, own)] == ["engine"] * 3
    assert provider.asked == 1


async def test_concurrent_requests_share_one_fetch(provider: Provider, signed: Signed, own: Signing) -> None:
    """Also when the one who began it goes away."""
    first = asyncio.create_task(_said(signed, own.token()))
    others = [asyncio.create_task(_said(signed, own.token())) for _ in range(20)]
    await asyncio.sleep(0)
    first.cancel()
    assert await asyncio.gather(*others) == ["engine"] * 20
    assert (provider.asked, first.cancelled()) == (1, True)


async def test_a_new_key_counts_at_once(provider: Provider, signed: Signed, own: Signing, clock: Clock) -> None:
    """A token that names a key that we do not know makes us ask."""
    assert await _said(signed, own.token()) == "engine"
    clock.now += issuer_keys.PAUSE
    new = Signing("two", "EdDSA")
    provider.reply = key_set(own.jwk(), new.jwk())
    assert [await _said(signed, key.token()) for key in (new, own)] == ["engine"] * 2
    assert provider.asked == 2


async def test_invented_keys_do_not_hammer_the_issuer(
    provider: Provider, signed: Signed, own: Signing, clock: Clock
) -> None:
    """However many there are, it is asked once in ten seconds; good tokens go on counting."""
    for round_ in range(3):
        answers = [await _said(signed, own.token(kid=f"invented-{number}")) for number in range(50)]
        assert answers == ["unauthorized"] * 50
        assert await _said(signed, own.token()) == "engine"
        assert provider.asked == round_ + 1
        clock.now += issuer_keys.PAUSE


async def test_a_key_that_was_taken_back_counts_until_the_next_fetch(
    provider: Provider, signed: Signed, own: Signing, rsa_key: Signing, clock: Clock
) -> None:
    """That is `jwks_seconds` after the last one, or when somebody shows a new key."""
    assert await _said(signed, own.token()) == "engine"
    provider.reply = key_set(rsa_key.jwk())
    clock.now += 299
    assert await _said(signed, own.token()) == "engine"
    clock.now += 1
    assert await _said(signed, own.token()) == "unauthorized"
    assert provider.asked == 2


FAILURES: dict[str, Reply] = {
    "silence": silence,
    "drip": drip,
    "error": plain("oops", "500 Internal Server Error"),
    "error with keys": plain(json.dumps({"keys": [Signing().jwk()]}), "500 Internal Server Error"),
    "page": plain("<!doctype html><title>Sign in</title>", "200 OK", "Content-Type: text/html"),
    "redirect": plain("", "302 Found", "Location: /keys"),
    "bad redirect": plain("", "302 Found", "Location: http://[/"),
    "endless": flood,
    "large": plain(b'{"keys": [' + b" " * issuer_keys.LARGEST + b"]}"),
    "packed": plain(zlib.compress(b'{"keys": []}'), "200 OK", "Content-Encoding: deflate"),
    "deep": plain("[" * 100_000),
    "no keys": plain("{}"),
    "list": plain("[]"),
    "not http": plain("", "\r\n"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_an_issuer_that_cannot_be_asked_lets_nobody_in_and_refuses_nobody(
    provider: Provider, signed: Signed, own: Signing, clock: Clock, failure: str
) -> None:
    """Where there never were keys it is a 503 that says when to come back; it is asked again then, and once."""
    good, provider.reply = provider.reply, FAILURES[failure]
    with capture_logs() as lines, _impatience():
        for _ in range(3):
            with pytest.raises(RequestRefused, match="come back in 10 s") as refused:
                await signed.principal(own.token())
            assert (refused.value.name, refused.value.headers) == ("issuer-unavailable", {"Retry-After": "10"})
    assert provider.asked <= 1
    assert [line["event"] for line in lines] == ["the issuer's keys cannot be fetched"]
    provider.reply = good
    clock.now += issuer_keys.PAUSE
    assert await _said(signed, own.token()) == "engine"


@pytest.mark.parametrize("failure", ["silence", "error"])
async def test_an_outage_of_the_issuer_takes_nobody_out_for_an_hour(
    provider: Provider, signed: Signed, own: Signing, clock: Clock, failure: str
) -> None:
    """Keys that we have go on counting; of a key that we do not know nothing can be said."""
    assert await _said(signed, own.token()) == "engine"
    good, provider.reply = provider.reply, FAILURES[failure]
    with _impatience():
        clock.now += 300
        assert await _said(signed, own.token()) == "engine"
        assert await _said(signed, Signing("two").token()) == "issuer-unavailable"
        assert await _said(signed, Signing("one").token()) == "unauthorized"
        clock.now += 3599
        assert await _said(signed, own.token()) == "engine"
        clock.now += 1
        assert await _said(signed, own.token()) == "issuer-unavailable"
    provider.reply = good
    clock.now += issuer_keys.PAUSE
    assert await _said(signed, own.token()) == "engine"


async def test_nobody_waits_for_an_issuer_that_hangs_while_his_key_counts(
    provider: Provider, signed: Signed, own: Signing, clock: Clock
) -> None:
    """Only who first finds out that it hangs does; later attempts are made beside."""
    await signed.principal(own.token())
    provider.reply = silence
    clock.now += 300
    with _impatience():
        await signed.principal(own.token())
    clock.now += issuer_keys.PAUSE
    async with asyncio.timeout(1):
        assert await _said(signed, own.token()) == "engine"
    asking = signed._keys._asking
    assert asking is not None
    assert not asking.done()
    asking.cancel()


async def test_an_issuer_that_nobody_listens_for_cannot_be_asked(own: Signing) -> None:
    """A refused connection is an outage, too."""
    issuer = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": "http://127.0.0.1:9/keys"}
    assert await _said(Signed(Issuer.model_validate(issuer)), own.token()) == "issuer-unavailable"


@pytest.mark.parametrize(
    "more",
    [
        {"use": "enc"},
        {"use": 7},
        {"alg": "ES384"},
        {"alg": ["ES256"]},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"kid": 7},
        {"crv": "P-384"},
        {"x": 7},
        {"x": None},
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw"},
        {"kty": "unknown"},
    ],
    ids=str,
)
async def test_a_key_that_is_for_something_else_does_not_count(
    provider: Provider, signed: Signed, own: Signing, more: dict[str, object]
) -> None:
    """Encryption, another algorithm or curve, secrets, private keys; where nothing is left, nobody can be told apart."""
    provider.reply = key_set(own.jwk(**more))
    assert await _said(signed, own.token()) == "issuer-unavailable"
    assert provider.asked == 1


async def test_an_emptied_key_set_takes_every_key_back(
    provider: Provider, signed: Signed, own: Signing, clock: Clock
) -> None:
    """It is an answer and no outage: old keys stop to count, and nobody is let in."""
    await signed.principal(own.token())
    provider.reply = key_set()
    clock.now += 300
    assert await _said(signed, own.token()) == "issuer-unavailable"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_private_key_that_is_given_away_does_not_count(
    provider: Provider, signed: Signed, algorithm: str
) -> None:
    """Everybody could sign with it."""
    key = Signing("one", algorithm)
    private = jwt.get_algorithm_by_name(algorithm).to_jwk(key.private, as_dict=True)
    provider.reply = key_set({name: value for name, value in private.items() if name != "key_ops"} | {"kid": "one"})
    assert await _said(signed, key.token()) == "issuer-unavailable"


async def test_short_rsa_keys_do_not_count(provider: Provider, signed: Signed, rsa_key: Signing) -> None:
    """Below 2048 bits they are guessed (NIST SP 800-131A)."""
    short = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 - that is the point
    provider.reply = key_set({**jwt.get_algorithm_by_name("RS256").to_jwk(short, as_dict=True), "kid": "rsa"})
    assert await _said(signed, rsa_key.token()) == "issuer-unavailable"


async def test_a_token_that_names_no_key_is_checked_by_the_only_one(
    provider: Provider, signed: Signed, clock: Clock, rsa_key: Signing
) -> None:
    """Of its algorithm. With two of them it is refused."""
    nameless = Signing(None)
    provider.reply = key_set(nameless.jwk(), rsa_key.jwk())
    assert await _said(signed, nameless.token()) == "engine"
    clock.now += 300
    provider.reply = key_set(nameless.jwk(), Signing("two").jwk())
    assert await _said(signed, nameless.token()) == "unauthorized"


async def test_a_key_on_another_curve_is_of_another_algorithm(
    provider: Provider, make_signed: Callable[..., Signed]
) -> None:
    """Also where the set does not say for which it is."""
    nameless, other = Signing(None), Signing(None, "ES384")
    provider.reply = key_set(nameless.jwk(), other.jwk())
    signed = make_signed(algorithms=ALGORITHMS)
    assert [await _said(signed, key.token()) for key in (nameless, other)] == ["engine"] * 2


async def test_two_keys_of_one_name_do_not_count(provider: Provider, signed: Signed, own: Signing) -> None:
    """Which of them it is, is not tried out."""
    provider.reply = key_set(own.jwk(), Signing("one").jwk())
    assert await _said(signed, own.token()) == "unauthorized"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_every_kind_of_signature_that_is_allowed_counts(
    provider: Provider, make_signed: Callable[..., Signed], algorithm: str
) -> None:
    """A key with `alg` is for that alone, one without for all that are allowed and fit."""
    key = Signing("any", algorithm)
    for more in ({}, {"alg": algorithm}):
        provider.reply = key_set(key.jwk(**more))
        assert await _said(make_signed(algorithms=ALGORITHMS * 2), key.token()) == "engine"
    assert await _said(make_signed(algorithms=[one for one in ALGORITHMS if one != algorithm]), key.token()) == (
        "unauthorized"
    )


async def test_the_issuer_is_trusted_by_the_authority_that_is_named(tmp_path: Path, own: Signing) -> None:
    """Another authority, none, or a file that is none is an outage; nothing is asked of whoever listens there."""
    (tmp_path / "other").mkdir()
    authority, other = Authority(tmp_path), Authority(tmp_path / "other")
    pair = authority.issue("issuer", "issuer", names=["127.0.0.1"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    provider = Provider()
    provider.reply = key_set(own.jwk())
    trusted = {"right": authority.pair.certificate, "wrong": other.pair.certificate, "file": tmp_path / "none.pem"}
    said = {}
    async with provider.listening(context):
        for name, file in trusted.items():
            issuer = Issuer.model_validate(provider.settings(jwks_ca=str(file)))
            said[name] = await _said(Signed(issuer), own.token())
        said["none"] = await _said(Signed(Issuer.model_validate(provider.settings())), own.token())
    away = "issuer-unavailable"
    assert said == {"right": "engine", "wrong": away, "file": away, "none": away}
    assert provider.asked == 1


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://id.example/keys", True),
        ("http://127.0.0.1:8080/keys", True),
        ("http://[::1]/keys", True),
        ("http://localhost/keys", True),
        ("http://id.example/keys", False),
        ("http://localhost.example/keys", False),
        ("http://10.0.0.1/keys", False),
        ("ftp://id.example/keys", False),
    ],
)
def test_keys_come_over_https(url: str, *, allowed: bool) -> None:
    """But for this machine's own: whoever changes them on the way could sign for everybody."""
    given = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": url}
    if allowed:
        assert Issuer.model_validate(given)
        return
    with pytest.raises(ValidationError, match="jwks_url"):
        Issuer.model_validate(given)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = ("kty", "crv", "x", "y", "n", "e", "k", "d", "kid", "use", "alg", "key_ops")
JWKS = st.dictionaries(
    st.sampled_from(MEMBERS), JUNK | st.sampled_from(["EC", "RSA", "OKP", "P-256", "Ed25519", "AQAB"])
)


@settings(max_examples=300, deadline=None)
@given(document=st.fixed_dictionaries({"keys": st.lists(JWKS | JUNK, max_size=3) | JUNK}) | JUNK)
def test_a_key_set_of_junk_is_no_key(document: object) -> None:
    """It is read as far as it makes sense, or refused as a whole; nothing else happens."""
    try:
        keys = KeySet.parse(json.dumps(document).encode(), ALGORITHMS)
    except NotAKeySet:
        return
    assert keys.key("one", "HS256") is None
