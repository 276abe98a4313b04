# SPDX-License-Identifier: Apache-2.0
"""A set of public keys (JWKS, RFC 7517), and which of them a token has to be checked by. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

import jwt


class NotAKeySet(ValueError):
    """The answer is not a set of keys."""


class _Key(NamedTuple):
    kid: str | None
    key: jwt.PyJWK
    """Bound to one algorithm: it checks by that, whatever a token says."""


class KeySet:
    """Keys that signatures can be checked by, each for the algorithms for which it is."""

    def __init__(self, keys: Sequence[_Key] = ()) -> None:
        """Args: keys: one for each key and algorithm."""
        self._keys = tuple(keys)

    @classmethod
    def parse(cls, body: bytes, algorithms: Sequence[str]) -> Self:
        """The keys of a set that are for one of these algorithms; others are passed over, as RFC 7517, 5 has it.

        Raises:
            NotAKeySet: it is something else.
        """
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise NotAKeySet("its answer is not JSON") from error
        keys = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(keys, list):
            raise NotAKeySet("its answer is not a key set")
        return cls([one for jwk in keys if isinstance(jwk, dict) for one in _usable(jwk, algorithms)])

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The one key of that id, or of any where the token names none, for that algorithm; none where there are several."""
        found = [
            one.key for one in self._keys if one.key.algorithm_name == algorithm and (kid is None or one.kid == kid)
        ]
        return found[0] if len(found) == 1 else None


def _usable(jwk: Mapping[str, Any], algorithms: Sequence[str]) -> Iterator[_Key]:
    if not _checks_signatures(jwk):
        return
    for algorithm in dict.fromkeys(algorithms):
        key = _key(jwk, algorithm) if jwk.get("alg") in (None, algorithm) else None
        if key is not None:
            yield _Key(jwk.get("kid"), key)


def _checks_signatures(jwk: Mapping[str, Any]) -> bool:
    """It is for that, and public: whoever reads the set could sign with a private one."""
    operations = jwk.get("key_ops")
    for_that = jwk.get("use") in (None, "sig") and (
        operations is None or (isinstance(operations, list) and "verify" in operations)
    )
    return for_that and "d" not in jwk and isinstance(jwk.get("kid"), str | None)


def _key(jwk: Mapping[str, Any], algorithm: str) -> jwt.PyJWK | None:
    """If it is of the algorithm's kind and curve, and long enough."""
    try:
        key = jwt.PyJWK(dict(jwk), algorithm)
        key.Algorithm.prepare_key(key.key)
    except jwt.PyJWTError:
        return None
    return key if key.Algorithm.check_key_length(key.key) is None else None
