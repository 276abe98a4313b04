# SPDX-License-Identifier: Apache-2.0
"""The one translation from our errors to Temporal's: the class name is the type that retry policies match."""

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from temporalio.exceptions import ApplicationError

from readiness.errors import ReadinessError
from relocate.activities.calls import FINAL_ERRORS
from relocate.errors import Drifted, RelocateError
from relocate.metrics.worker import ERRORS
from steering.errors import SteeringError

P = ParamSpec("P")
T = TypeVar("T")


def translated(work: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Let our own errors leave an activity as `ApplicationError`, counted; everything else passes and is tried again."""

    @functools.wraps(work)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await work(*args, **kwargs)
        except (RelocateError, SteeringError, ReadinessError) as error:
            kind = type(error).__name__
            ERRORS.labels(kind).inc()
            final = kind in FINAL_ERRORS or isinstance(error, ReadinessError)
            details = (error.versions,) if isinstance(error, Drifted) else ()
            raise ApplicationError(str(error), *details, type=kind, non_retryable=final) from error

    return wrapper
