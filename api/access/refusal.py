# SPDX-License-Identifier: Apache-2.0
"""How somebody is refused of whom it is not known who he is."""

from api.problems import RequestRefused


def unauthorized(detail: str, *, error: str = "") -> RequestRefused:
    """The refusal of who is not known (RFC 6750, 3); `error` says what is wrong with the token that he sent."""
    challenge = f'Bearer error="invalid_token", error_description="{error}"' if error else "Bearer"
    return RequestRefused("unauthorized", detail, headers={"WWW-Authenticate": challenge})


def invalid(what: str) -> RequestRefused:
    """The refusal of a signed token. `what` is wrong with it stands in a header: ASCII, no quotes, and nothing of the token."""
    return unauthorized(f"the signed token is not valid: {what}", error=what)
