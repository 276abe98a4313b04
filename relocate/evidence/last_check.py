# SPDX-License-Identifier: Apache-2.0
"""What follows from the last look before the point of no return: for the activity that takes it, and for whoever recomputes it."""

from relocate.evidence.samples import CheckedAnswers, CheckedRoutes, CheckedSeconds, RouteAsked, RouteLook
from relocate.phases import proof
from relocate.phases.judging import unreached_in_words
from relocate.phases.teardown import Checked, join_reasons, why_not_forgotten

NO_ROUTES = "not proven: there is no route by which anybody could be asked"


def checked(
    routes: CheckedRoutes, answers: CheckedAnswers, seconds: CheckedSeconds, *, drained: str | None, cut: int | None
) -> Checked:
    """All of it together; that it is stored remains to be seen.

    Args:
        routes: E2.
        answers: E3, and B's own checks.
        seconds: E4.
        drained: why somebody may still use the source (E5), or None.
        cut: what `force` gives up.
    """
    return Checked(
        acknowledged=why_not_acknowledged(routes),
        seen=why_not_seen(answers),
        target_healthy=None if answers.health.ready else answers.health.sentence,
        drained=drained,
        watched=why_not_watched(seconds),
        cut=cut,
    )


def why_not_acknowledged(routes: CheckedRoutes) -> str | None:
    """Why some gateway instance may still know the source, or None. A check over nothing is no proof."""
    if not routes.looks:
        return NO_ROUTES
    return join_reasons([_why_not_applied(look, routes) for look in routes.looks])


def why_not_seen(answers: CheckedAnswers) -> str | None:
    """Why some gateway instance may still answer from elsewhere than the target, or None. A check over nothing is no proof."""
    if not answers.asked:
        return NO_ROUTES
    return join_reasons([_why_not_answered(asked) for asked in answers.asked])


def why_not_watched(seconds: CheckedSeconds) -> str | None:
    """What the prober saw fail since the switch, or None."""
    sample = seconds.sample
    if sample.requests and sample.error_rate > seconds.max_error_rate:
        return f"the prober saw {sample.errors} of {sample.requests} requests fail since the switch"
    if sample.lost_rate > seconds.max_error_rate:
        return f"the prober saw since the switch that {unreached_in_words(sample)}"
    return None


def _why_not_applied(look: RouteLook, routes: CheckedRoutes) -> str | None:
    where = f"route {look.route} at {look.gateway}"
    known = why_not_forgotten(look.found, routes.source, look.expected_epoch, where)
    return known or (None if look.unproven else proof.why_not_acknowledged(look.answers, routes.waived))


def _why_not_answered(asked: RouteAsked) -> str | None:
    if not asked.needed:
        return f"no instance of {asked.gateway} could be asked"
    missing = [name for name in asked.needed if name not in asked.answers]
    reasons = [f"{', '.join(missing)} could not be asked" if missing else None]
    reasons += [proof.why_not_seen(answers, asked.epoch, asked.weights) for answers in asked.answers.values()]
    return join_reasons(reasons)
