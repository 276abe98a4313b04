# SPDX-License-Identifier: Apache-2.0
"""What callers show over TLS."""

from collections.abc import Sequence

from starlette.types import Scope

NAMES = "relocate.certificate"
"""Key in the ASGI scope under which the names of the certificate stand that the caller has shown, and that is valid."""


def shown_names(scope: Scope) -> Sequence[str]:
    """Names of the caller's certificate; none, if he showed none."""
    names: Sequence[str] = scope.get(NAMES, ())
    return names
