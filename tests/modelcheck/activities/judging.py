# SPDX-License-Identifier: Apache-2.0
"""Whether a side is good, by what users see."""

from relocate.activities import orders
from relocate.phases import judging
from relocate.phases.judging import Judgement, Sample
from tests.modelcheck.activities.steps import Steps
from tests.modelcheck.world import World

BASELINE = Sample(requests=100, errors=0, p99_seconds=0.01, p99_at_least_seconds=0.01)
GOOD = BASELINE
FAILED = Sample(requests=100, errors=50, p99_seconds=0.01, p99_at_least_seconds=0.01)
FEW = Sample(requests=1, errors=0)


def baseline(world: World, order: orders.BaselineOrder) -> Steps:
    """See `relocate.activities.judging`: looks until enough was seen, or the order's patience is over."""
    world.let_users_ask()
    why_not = judging.why_no_baseline(order.limits, FEW if world.few_samples else BASELINE, order.target)
    if why_not is not None and order.patience_seconds:
        yield "look at the end of the patience"
        why_not = judging.why_no_baseline(order.limits, FEW if world.few_samples else BASELINE, order.target)
    return orders.Baseline(why_not=why_not)


def judge(world: World, order: orders.JudgeOrder) -> Steps:
    """See `relocate.activities.judging`: looks until the time is over; the first one that condemns ends it."""
    name, instance = order.side.name, order.side.instance
    for look in range(2):
        if look:
            yield "look at the end of the time"
        world.let_users_ask()
        well = world.health(name, instance) == "healthy"
        sample = FAILED if name in world.true_errors else FEW if world.few_samples else GOOD
        strays = 0 if well or not order.whole else 50
        against = (
            judging.judge_checks(0 if well else judging.FAILED_ROUNDS, "not ready", name)
            or judging.judge_fallback(strays, 100, name)
            or judging.judge_counted(order.limits, BASELINE, sample, name)
        )
        judged = against or judging.judge(order.limits, BASELINE, sample, name)
        if judged.judgement is Judgement.BAD:
            break
    if order.whole:
        world.true_baked = well and sample is GOOD
    world.keep_claims()
    return judged
