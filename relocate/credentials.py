# SPDX-License-Identifier: Apache-2.0
"""What callers of the API may show of themselves, as the operator configures it, and what each is worth."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl, SecretStr, field_validator

from relocate.loopback import is_loopback
from relocate.model.values import EVERY_PROJECT, Project

ScopeName = Literal["read", "write", "admin"]
Projects = frozenset[Project | Literal["*"]]
ClaimName = Annotated[str, Field(pattern=r"^[!#-\[\]-~]+$", max_length=128)]
"""ASCII without spaces, quotes and backslashes: it stands in the header of a refusal (RFC 6750, 3)."""


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
    """Where its public keys are (RFC 7517); `https`, but for loopback. They are fetched anew when a token names a key that is not
    among them, every `jwks_seconds`, and never more often than every 10 s."""
    jwks_ca: str | None = None
    """PEM file with the authority by which that address is trusted, read for each fetch; not given: those that certifi
    brings, or `SSL_CERT_FILE`."""
    jwks_seconds: float = Field(default=300, ge=10, le=86400)
    """After so long a key that the issuer has taken back counts no more."""
    jwks_outage_seconds: float = Field(default=3600, ge=0, le=604800)
    """How much longer keys count while the issuer cannot be asked; after that everybody with a token of it is answered 503."""
    algorithms: tuple[Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"], ...] = (
        Field(default=("RS256", "ES256", "EdDSA"), min_length=1)
    )
    """How a token may be signed. None with a shared secret is among them."""
    leeway_seconds: float = Field(default=30, ge=0, le=300)
    """By how much its clock may differ from ours."""
    name_claim: ClaimName = "sub"
    """The claim with who it is; kept in the record of what was done."""
    scopes_claim: ClaimName = "scope"
    """The claim with scopes: words with spaces between them, or a list. Those that are not ours are passed over."""
    scope_prefix: str = Field(default="", max_length=128)
    """What our scopes begin with in that claim, such as `relocate:`."""
    projects_claim: ClaimName = "projects"
    """The claim with projects, as a list or words."""
    projects: Projects = frozenset()
    """Those of a token without that claim; none: it may do nothing."""

    @field_validator("jwks_url")
    @classmethod
    def _nobody_gives_us_other_keys(cls, value: HttpUrl) -> HttpUrl:
        """On the way."""
        if value.scheme != "https" and not is_loopback(value.host or ""):
            raise ValueError("must begin with https://, as whoever changes keys on the way can sign for everybody")
        return value
