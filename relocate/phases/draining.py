# SPDX-License-Identifier: Apache-2.0
"""When nobody uses a side any more (E5): zero in flight and no new request, at every gateway instance, for a window."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from relocate.model.values import Payload
from steering.model import InstanceUsage


class DrainState(Payload):
    """What is known so far. A new drain starts with the default."""

    requests_total: dict[str, int] = Field(default_factory=dict)
    """Requests ever sent, by gateway instance, at the last count."""
    quiet_since: float | None = None
    """Monotonic seconds since which no request was open and none was new, or None."""
    left: int | None = None
    """In flight over all instances at the last count; None while something is unknown."""
    sentence: str = "nothing has been counted yet"


def count(state: DrainState, usage: Sequence[InstanceUsage], now: float) -> DrainState:
    """Advance by one count of every expected gateway instance. Unknown is not zero: it starts the window anew."""
    unknown = next((u for u in usage if u.in_flight is None or u.requests_total is None), None)
    if not usage or unknown is not None:
        reason = f"{unknown.instance}: {unknown.reason}" if unknown else "no gateway instance was counted"
        return state.model_copy(
            update={"quiet_since": None, "left": None, "sentence": f"unknown is not zero: {reason}"}
        )
    totals = {u.instance: u.requests_total for u in usage if u.requests_total is not None}
    left = sum(u.in_flight for u in usage if u.in_flight is not None)
    since = None
    if left == 0:
        # Whether a request is new takes two counts: the window begins at the first of them.
        same = state.quiet_since is not None and totals == state.requests_total
        since = state.quiet_since if same else now
    sentence = "no request is open on it" if left == 0 else f"{left} requests and streams are still open on it"
    return DrainState(requests_total=totals, quiet_since=since, left=left, sentence=sentence)


def is_drained(state: DrainState, now: float, window_seconds: float) -> bool:
    """Whether it was quiet for the whole window; without a window, whether the last count was."""
    return state.quiet_since is not None and now - state.quiet_since >= window_seconds


def given_up(cut: int | None) -> str:
    """What was open at the deadline and was given up, in words. What began after the last count is in no count."""
    return "an unknown number of requests and streams" if cut is None else f"at least {cut} requests and streams"


def counted(usage: Mapping[str, Sequence[InstanceUsage]]) -> Sequence[InstanceUsage]:
    """Usage of several routes as one list, each instance named with its route."""
    return [
        u.model_copy(update={"instance": f"{route} at {u.instance}"}) for route, found in usage.items() for u in found
    ]
