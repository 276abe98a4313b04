# SPDX-License-Identifier: Apache-2.0
"""Why a run leaves its way forward, and the one sentence an operator reads about it."""

from temporalio.exceptions import ActivityError, ApplicationError, FailureError, TimeoutError as TemporalTimeout

from relocate.errors import Drifted
from steering.model import Version


class GoBack(Exception):
    """What was seen speaks against going on; the text is the sentence."""


class TargetUnfit(GoBack):
    """This target will not do; another one may."""


class SideUnhealthy(Exception):
    """The side to go back to is not proven healthy; both sides are kept."""


def is_a(kind: type[Exception], error: BaseException) -> bool:
    """Whether an activity failed with this error of ours."""
    cause = error.cause if isinstance(error, ActivityError) else None
    return isinstance(cause, ApplicationError) and cause.type == kind.__name__


def drift_in(error: BaseException) -> dict[str, Version]:
    """What somebody else was found to have changed: versions by "gateway/route"; empty for every other failure."""
    cause = error.cause if isinstance(error, ActivityError) else None
    if not isinstance(cause, ApplicationError) or cause.type != Drifted.__name__:
        return {}
    versions: dict[str, Version] = cause.details[0]
    return versions


def sentence_of(error: BaseException) -> str:
    """The innermost reason in words."""
    if isinstance(error, ActivityError) and error.cause is not None:
        return sentence_of(error.cause)
    if isinstance(error, ApplicationError):
        return error.message
    if isinstance(error, TemporalTimeout):
        last = error.cause
        return f"it took too long{f': {sentence_of(last)}' if last is not None else ''}"
    if isinstance(error, FailureError):
        return error.message or type(error).__name__
    return str(error) or type(error).__name__
