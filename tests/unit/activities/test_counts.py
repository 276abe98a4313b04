# SPDX-License-Identifier: Apache-2.0
"""Counts of a drain are kept for the record, and are enough to count it once more."""

import pytest

from relocate.activities.counts import COUNTS, Counts
from relocate.activities.orders import DrainOrder
from relocate.evidence.rules.counting import why_not_drained
from relocate.evidence.rules.given import Given
from relocate.evidence.samples import UsageCounts
from relocate.model.application import Application, Drain
from relocate.model.evidence import Claim
from relocate.model.relocation import Phase
from relocate.phases.draining import DrainState, count, is_drained
from steering.model import Fence, InstanceUsage
from tests.evidence.smallest import smallest

APPLICATION = {
    "name": "assist",
    "workloads": {"memory": {}},
    "routes": [{"name": "web", "hosts": ["assist.test"], "gateways": ["gw"], "ports": [{"name": "http"}]}],
    "readiness": {"probes": [{"kind": "http"}]},
}


def order(window: float) -> DrainOrder:
    """A drain of mec-a."""
    return DrainOrder(
        relocation="rel-1",
        application=Application.model_validate(APPLICATION),
        phase=Phase.DRAIN,
        fence=Fence(lease=1, sequence=1),
        side="mec-a",
        drain=Drain(window_seconds=window),
    )


def drained(in_flight: list[int], window: float) -> tuple[UsageCounts, bool]:
    """One count a tenth of a second; each with requests open has sent one more."""
    counts, state, ended, sent = Counts(window), DrainState(), False, 0
    for number, left in enumerate(in_flight):
        sent += left
        usage = [InstanceUsage(instance="edge-1", in_flight=left, requests_total=sent)]
        now = number / 10
        counts.add(now, usage)
        state = count(state, usage, now)
        ended = is_drained(state, now, window)
    return counts.samples(order(window), state), ended


@pytest.mark.parametrize("busy", [0, 1, 5, 2 * COUNTS])
@pytest.mark.parametrize("quiet", [1, 5, 6, 12])
@pytest.mark.parametrize("window", [0.0, 0.5, 1.0])
def test_a_drain_counted_once_more_ends_as_it_ended(busy: int, quiet: int, window: float) -> None:
    """However long it took before: what is left out does not decide."""
    samples, ended = drained([1] * busy + [0] * quiet, window)
    claim = Claim(rung="E5", side="mec-a", sentence="counted", holds=ended, detail=samples.detail())
    assert list(why_not_drained(Given(smallest(), (), claim), samples)) == []
    turned = Given(smallest(), (), claim.model_copy(update={"holds": not ended}))
    assert list(why_not_drained(turned, samples)) != []


def test_counts_that_come_out_the_same_stand_there_once() -> None:
    """With their moments."""
    samples, _ = drained([0, 0, 0], 1.0)
    (run,) = samples.counts
    assert run.at == (0.0, 0.1, 0.2)


def test_a_drain_that_takes_long_is_kept_in_bounds() -> None:
    """It says how many counts were left out; one that stands still keeps its first and its last moments."""
    rising, _ = drained([1] * 3 * COUNTS, 1.0)
    assert sum(len(run.at) for run in rising.counts) <= COUNTS + 1
    assert rising.left_out + sum(len(run.at) for run in rising.counts) == 3 * COUNTS
    still = Counts(1.0)
    for number in range(3 * COUNTS):
        still.add(number / 10, [InstanceUsage(instance="edge-1", in_flight=1, requests_total=min(number, 1))])
    first, rest = still.samples(order(1.0), DrainState()).counts
    assert first.at == (0.0,)
    assert (rest.at[0], rest.at[-1], len(rest.at)) == (0.1, (3 * COUNTS - 1) / 10, COUNTS - 1)
