# SPDX-License-Identifier: Apache-2.0
"""What callers show over TLS. Pure."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from starlette.types import Scope

NAMES = "relocate.certificate"
"""Key in the ASGI scope under which the names of the certificate stand that the caller has shown, and that is valid."""

_KINDS = ("DNS", "URI")


def shown_names(scope: Scope) -> Sequence[str]:
    """Names of the caller's certificate; none, if he showed none."""
    names: Sequence[str] = scope.get(NAMES, ())
    return names


@dataclass(frozen=True)
class Shown:
    """What a connection's certificate says of who is at its other end."""

    names: tuple[str, ...] = ()
    until: float = 0.0
    """When it stops to be valid, in seconds since 1970. A connection may last longer."""

    @classmethod
    def of(cls, certificate: Mapping[str, Any] | None) -> Self:
        """What `ssl.SSLSocket.getpeercert` gives of one that has been verified; of none, or of one that was not, it gives nothing."""
        if not certificate:
            return cls()
        names = (value for kind, value in certificate.get("subjectAltName", ()) if _is_a_name(kind, value))
        return cls(tuple(names), ssl.cert_time_to_seconds(certificate["notAfter"]))

    def at(self, now: float) -> tuple[str, ...]:
        """Its names, while it is valid."""
        return self.names if now < self.until else ()


def _is_a_name(kind: str, value: str) -> bool:
    """DNS names and URIs count; by the colon none of one kind passes for one of the other."""
    return kind in _KINDS and (":" in value) is (kind == "URI")
