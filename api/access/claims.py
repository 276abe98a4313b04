# SPDX-License-Identifier: Apache-2.0
"""Who a signed token says asks, and what he may. Pure; the signature has been checked before.

What is malformed is refused and not passed over: an issuer that means less than it seems to say must not give more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from api.access.principal import SCOPES, Principal
from api.access.refusal import invalid
from api.problems import RequestRefused
from relocate.credentials import Issuer, Projects

LONGEST_NAME = 128
"""Characters, as of static tokens."""
TIMES = ("exp", "nbf", "iat")

_PROJECTS: TypeAdapter[Projects] = TypeAdapter(Projects)


def principal_of(claims: Mapping[str, Any], issuer: Issuer) -> Principal:
    """Who it is.

    Raises:
        RequestRefused: a claim is malformed, or he has no project at all.
    """
    for claim in TIMES:
        if claim in claims and type(claims[claim]) not in (int, float):
            raise _malformed(claim)
    name = _name(claims, issuer.name_claim)
    scopes = frozenset(SCOPES) & {
        word.removeprefix(issuer.scope_prefix)
        for word in _words(claims, issuer.scopes_claim) or ()
        if word.startswith(issuer.scope_prefix)
    }
    projects = _projects(claims, issuer)
    if not projects:
        raise RequestRefused("forbidden", "the token names no project, and without one nothing can be reached")
    return Principal(name, "jwt", scopes, projects)


def _name(claims: Mapping[str, Any], claim: str) -> str:
    name = claims.get(claim)
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME:
        raise _malformed(claim)
    if not name.isprintable() or name != name.strip():
        raise _malformed(claim)
    return name


def _projects(claims: Mapping[str, Any], issuer: Issuer) -> Projects:
    named = _words(claims, issuer.projects_claim)
    if named is None:
        return issuer.projects
    try:
        return _PROJECTS.validate_python(named)
    except ValidationError:
        # Without its cause, which repeats what the token says.
        raise _malformed(issuer.projects_claim) from None


def _words(claims: Mapping[str, Any], claim: str) -> Sequence[str] | None:
    """Of a list, or of a text with spaces; None: there is no such claim."""
    if claim not in claims:
        return None
    found = claims[claim]
    words = found.split() if isinstance(found, str) else found
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _malformed(claim)
    return words


def _malformed(claim: str) -> RequestRefused:
    return invalid(f"the claim {claim} is malformed")
