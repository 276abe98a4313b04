# SPDX-License-Identifier: Apache-2.0
"""Right, wrong or failed: a pure judgement of one answer."""

from collections.abc import Collection

from relocate.prober.records import Result

REFUSED_BY_NAME = frozenset(
    {
        "ALREADY_EXISTS",
        "FAILED_PRECONDITION",
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "OUT_OF_RANGE",
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
        "UNIMPLEMENTED",
    }
)
"""gRPC codes that blame the request, as HTTP's 4xx do. A gateway without a route answers UNIMPLEMENTED."""


def of_http(status: int, side: str, sides: Collection[str] | None) -> Result:
    """The judgement of an HTTP answer.

    Args:
        status: its status code; only 2xx can be right.
        side: as the gateway named it, or "".
        sides: the sides that may answer; None: whoever is named.
    """
    if status >= 500:  # noqa: PLR2004  server errors, RFC 9110 15.6
        return Result.FAILED
    return of_side(side, sides) if 200 <= status < 300 else Result.WRONG  # noqa: PLR2004  success, RFC 9110 15.3


def of_health(status: str, side: str, sides: Collection[str] | None) -> Result:
    """The judgement of an answer of grpc.health.v1, by the name of its serving status."""
    return of_side(side, sides) if status == "SERVING" else Result.FAILED


def of_code(code: str) -> Result:
    """The judgement of a gRPC call that ended with an error code."""
    return Result.WRONG if code in REFUSED_BY_NAME else Result.FAILED


def of_side(side: str, sides: Collection[str] | None) -> Result:
    """Whether it was the right place that answered."""
    return Result.RIGHT if side and (sides is None or side in sides) else Result.WRONG
