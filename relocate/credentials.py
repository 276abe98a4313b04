# SPDX-License-Identifier: Apache-2.0
"""What callers of the API may show of themselves, as the operator configures it, and what each is worth."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from relocate.model.values import EVERY_PROJECT, Project

ScopeName = Literal["read", "write", "admin"]
Projects = frozenset[Project | Literal["*"]]


class Grant(BaseModel):
    """Who somebody is, and what he may do with whose."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = Field(min_length=1, max_length=128)
    """Who holds it; kept in the record of what was done with it."""
    scopes: frozenset[ScopeName] = frozenset({"read"})
    """Any of `read`, `write`, `admin`; each includes the one before."""
    projects: Projects = frozenset({EVERY_PROJECT})
    """In which projects; `*`: in all of them, and in what belongs to none."""


class Token(Grant):
    """One static bearer token."""

    token: SecretStr = Field(min_length=16)
    """The secret itself, at least 16 characters."""
    expires: AwareDatetime | None = None
    """When it stops to count, with an offset from UTC; not given: never."""


class ClientCertificate(Grant):
    """Whoever shows a certificate of this name that the authority in `tls_client_ca` has signed.

    `name` is one of its alternative names: a DNS name (`engine.example`), or a URI (`spiffe://example/ns/mec/sa/engine`).
    """


class Issuer(BaseModel):
    """Who signs tokens (JWT, RFC 7519) that we take, and what stands in them."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    issuer: str = Field(min_length=1, max_length=1024)
    """What `iss` must be, letter by letter."""
    audience: str = Field(min_length=1, max_length=1024)
    """What `aud` must be, or contain."""
    jwks_url: HttpUrl
    """Where its public keys are (RFC 7517). They are fetched anew when a token names a key that is not among them, and every
    `jwks_seconds`."""
    jwks_ca: str | None = None
    """PEM file with the authority by which that address is trusted; not given: the system's."""
    jwks_seconds: float = Field(default=300, ge=1, le=86400)
    """After so long a key that the issuer has taken back counts no more."""
    algorithms: tuple[Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"], ...] = (
        Field(default=("RS256", "ES256", "EdDSA"), min_length=1)
    )
    """How a token may be signed. None with a shared secret is among them."""
    leeway_seconds: float = Field(default=30, ge=0, le=300)
    """By how much its clock may differ from ours."""
    name_claim: str = "sub"
    """The claim with who it is; kept in the record of what was done."""
    scopes_claim: str = "scope"
    """The claim with scopes: words with spaces between them, or a list. Those that are not ours are passed over."""
    scope_prefix: str = Field(default="", max_length=128)
    """What our scopes begin with in that claim, such as `relocate:`."""
    projects_claim: str = "projects"
    """The claim with projects, as a list or words."""
    projects: Projects = frozenset()
    """Those of a token without that claim; none: it may do nothing."""
