# SPDX-License-Identifier: Apache-2.0
"""The one sentence that an operator reads."""

import pytest
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    RetryState,
    TimeoutError as TooLate,
    TimeoutType,
)

from relocate.workflow.reasons import GoBack, TargetUnfit, sentence_of


def _failed(cause: BaseException | None) -> ActivityError:
    error = ActivityError(
        "activity failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="worker",
        activity_type="steer",
        activity_id="1",
        retry_state=RetryState.NON_RETRYABLE_FAILURE,
    )
    error.__cause__ = cause
    return error


def _too_late(cause: BaseException | None = None) -> TooLate:
    error = TooLate("deadline", type=TimeoutType.SCHEDULE_TO_CLOSE, last_heartbeat_details=[])
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (GoBack("B is bad"), "B is bad"),
        (TargetUnfit("no image"), "no image"),
        (ApplicationError("edge-2 refused", type="Rejected"), "edge-2 refused"),
        (_failed(ApplicationError("edge-2 refused", type="Rejected")), "edge-2 refused"),
        (_failed(_too_late()), "it took too long"),
        (_failed(_too_late(ApplicationError("mec-a is away"))), "it took too long: mec-a is away"),
        (_failed(CancelledError("cancelled by the server")), "cancelled by the server"),
        (_failed(None), "activity failed"),
        (KeyError(), "KeyError"),
    ],
)
def test_the_innermost_reason_is_told(error: BaseException, sentence: str) -> None:
    """Temporal's wrapping is left out; what has no words is named by its class."""
    assert sentence_of(error) == sentence
