# SPDX-License-Identifier: Apache-2.0
"""Our errors keep their names through Temporal, and retry policies match names that exist."""

import pytest
from temporalio.exceptions import ApplicationError

import readiness.errors
import relocate.errors
import relocate.targets.errors
import steering.errors
from readiness.errors import ReadinessError
from relocate.activities import calls
from relocate.activities.calls import FINAL_ERRORS, Call
from relocate.activities.failures import translated
from relocate.errors import RelocateError
from steering.errors import SteeringError

TREES = (RelocateError, SteeringError, ReadinessError)
KINDS = {
    kind.__name__: kind
    for module in (relocate.errors, relocate.targets.errors, steering.errors, readiness.errors)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, TREES)
}
BESIDES: dict[str, tuple[object, ...]] = {
    "AlreadyRelocating": ("app", "rel-1"),
    "Drifted": ("these words", {"edge/web": "7"}),
}
"""What errors are made of that are made of more than words."""
CALLS = [call for call in vars(calls).values() if isinstance(call, Call)]


@pytest.mark.parametrize("name", FINAL_ERRORS)
def test_every_final_error_exists(name: str) -> None:
    """A renamed class would be tried again for ever."""
    assert name in KINDS


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
async def test_every_error_of_ours_is_translated(kind: type[Exception]) -> None:
    """Its class is the type, its words are kept, its cause is chained, and it is final if it is one of the final ones."""
    error = kind(*BESIDES.get(kind.__name__, ("these words",)))

    @translated
    async def work() -> None:
        raise error

    with pytest.raises(ApplicationError) as raised:
        await work()
    assert (raised.value.type, raised.value.message) == (kind.__name__, str(error))
    assert raised.value.__cause__ is error
    assert raised.value.non_retryable == (kind.__name__ in FINAL_ERRORS or issubclass(kind, ReadinessError))


async def test_a_drift_brings_along_what_was_found() -> None:
    """The versions travel beside the words, so that an operator's answer can be for that very change."""

    @translated
    async def work() -> None:
        raise relocate.errors.Drifted("these words", {"edge/web": "7"})

    with pytest.raises(ApplicationError) as raised:
        await work()
    assert list(raised.value.details) == [{"edge/web": "7"}]


async def test_other_errors_pass_as_they_are() -> None:
    """Temporal tries them again."""

    @translated
    async def work() -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await work()


async def test_answers_pass() -> None:
    """Nothing is translated where nothing failed."""

    @translated
    async def work(number: int) -> int:
        return number

    assert await work(7) == 7


@pytest.mark.parametrize("call", CALLS, ids=[call.name for call in CALLS])
def test_every_call_ends_at_final_errors_and_is_watched_while_it_is_long(call: Call[object, object]) -> None:
    """No retry of a final error; an attempt longer than half a minute has a heartbeat, or a dead worker is not noticed."""
    assert call.retry.non_retryable_error_types == list(FINAL_ERRORS)
    assert call.heartbeat is not None or call.attempt.total_seconds() <= 30
    assert call.altogether is None or call.altogether >= call.attempt
