# SPDX-License-Identifier: Apache-2.0
"""What an API server may answer, or not.

The tree::

    KubernetesError
    |-- Unreachable      no answer, or none that helps (time-out, TLS, 429 and 5xx until the call's time was up)
    |-- Unauthorized     401: the credentials are not known, or not any more
    |-- Forbidden        403: the credentials do not allow this
    |   `-- Terminating  ... nobody may make anything in a namespace that is being deleted
    |-- NotFound         404: no such object, or no such kind
    |-- Exists           409: an object of that name is there already
    |-- Conflict         409: the object is not as the request presumed (resourceVersion, uid)
    |-- FieldConflict    409: another field manager owns what would change; nothing was forced
    |-- Expired          410: a watch was too far behind
    `-- Invalid          400, 422: the request makes no sense to this cluster

Texts are the API server's own, cut to a sentence or two.
"""

from collections.abc import Mapping, Sequence
from typing import Any

LONGEST = 500
"""Characters of an API server's message that are kept."""


class KubernetesError(Exception):
    """A request to an API server failed."""


class Unreachable(KubernetesError):
    """It could not be asked; asking again may help."""


class Unauthorized(KubernetesError):
    """The credentials are not known."""


class Forbidden(KubernetesError):
    """The credentials do not allow this."""


class Terminating(Forbidden):
    """The namespace is being deleted: nothing can be made in it any more, by anybody."""


class NotFound(KubernetesError):
    """There is no such object, or no such kind."""


class Exists(KubernetesError):
    """An object of that name is there already."""


class Conflict(KubernetesError):
    """The object is not as the request presumed."""


class FieldConflict(KubernetesError):
    """Another field manager owns what would change."""

    def __init__(self, message: str, fields: Mapping[str, str]) -> None:
        """Args: message: the API server's; fields: who owns each field, in the API server's words."""
        super().__init__(message)
        self.fields = dict(fields)


class Expired(KubernetesError):
    """A watch was too far behind: list again."""


class Invalid(KubernetesError):
    """The request makes no sense to this cluster."""


_BY_CODE: Mapping[int, type[KubernetesError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: Invalid,
    410: Expired,
    413: Invalid,
    415: Invalid,
    422: Invalid,
}


def of_status(code: int, status: Mapping[str, Any]) -> KubernetesError:
    """The error for an answer.

    Args:
        code: its HTTP status.
        status: its body, a `Status` object; empty where it was something else.
    """
    message = " ".join(str(status.get("message") or f"the API server answered {code}").split())[:LONGEST]
    if any(one.get("reason") == "NamespaceTerminating" for one in _causes(status)):
        return Terminating(message)
    if code == 409:  # noqa: PLR2004 - HTTP
        return _of_conflict(message, status)
    return _BY_CODE.get(code, Unreachable)(message)


def _of_conflict(message: str, status: Mapping[str, Any]) -> KubernetesError:
    owned = {
        one.get("field", ""): one.get("message", "")
        for one in _causes(status)
        if one.get("reason") == "FieldManagerConflict"
    }
    if owned:
        return FieldConflict(message, owned)
    return Exists(message) if status.get("reason") == "AlreadyExists" else Conflict(message)


def _causes(status: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    return (status.get("details") or {}).get("causes") or ()
