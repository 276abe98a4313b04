# SPDX-License-Identifier: Apache-2.0
"""Temporal's messages, as workflowmgr writes them."""

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import Payload, RetryPolicy, WorkflowType
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.api.history.v1 import HistoryEvent, WorkflowExecutionStartedEventAttributes
from temporalio.api.workflow.v1 import WorkflowExecutionInfo

from relocate.temporal.go_proto import as_go_writes


def test_what_is_zero_is_left_out() -> None:
    """But a duration of nothing that somebody has set is there."""
    assert as_go_writes(RetryPolicy()) == {}
    set_to_nothing = RetryPolicy(initial_interval=Duration(), maximum_attempts=2)
    assert as_go_writes(set_to_nothing) == {"initial_interval": 0, "maximum_attempts": 2}


def test_durations_are_nanoseconds_and_enums_numbers() -> None:
    """As Go's own types are written."""
    assert as_go_writes(RetryPolicy(maximum_interval=Duration(seconds=1, nanos=5)))["maximum_interval"] == 1_000_000_005
    assert as_go_writes(WorkflowExecutionInfo(status=2)) == {"status": 2}


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (Timestamp(seconds=1_700_000_000), "2023-11-14T22:13:20Z"),
        (Timestamp(seconds=1_700_000_000, nanos=278_588), "2023-11-14T22:13:20.000278588Z"),
        (Timestamp(seconds=1_700_000_000, nanos=500_000_000), "2023-11-14T22:13:20.5Z"),
        (Timestamp(seconds=-62_135_596_800), "0001-01-01T00:00:00Z"),
    ],
)
def test_times_have_the_digits_that_they_need(moment: Timestamp, written: str) -> None:
    """RFC 3339, down to the nanosecond; Go's time of nothing is the year one."""
    assert as_go_writes(WorkflowExecutionInfo(start_time=moment)) == {"start_time": written}


def test_bytes_are_base64_and_maps_objects() -> None:
    """A payload has both."""
    written = as_go_writes(Payload(metadata={"encoding": b"json/plain"}, data=b'"x"'))
    assert written == {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "Ingi"}


def test_one_of_several_stands_under_their_common_name() -> None:
    """In CamelCase, as Go's field without a tag."""
    began = WorkflowExecutionStartedEventAttributes(workflow_type=WorkflowType(name="EmcoMigrateWorkflow"))
    event = HistoryEvent(event_id=1, event_type=1, workflow_execution_started_event_attributes=began)
    assert as_go_writes(event) == {
        "event_id": 1,
        "event_type": 1,
        "Attributes": {
            "workflow_execution_started_event_attributes": {"workflow_type": {"name": "EmcoMigrateWorkflow"}}
        },
    }
    failed = Failure(message="no", application_failure_info=ApplicationFailureInfo(type="T", non_retryable=True))
    assert as_go_writes(failed)["FailureInfo"] == {"application_failure_info": {"type": "T", "non_retryable": True}}
