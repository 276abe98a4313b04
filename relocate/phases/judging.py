# SPDX-License-Identifier: Apache-2.0
"""Whether B is as good as A was, from what the prober saw (sampled) and the gateways counted."""

import math
from enum import StrEnum

from pydantic import Field

from relocate.model.application import Judging
from relocate.model.values import Payload

FAILED_ROUNDS = 3
"""A single failed check may be chance; this many rounds running are not."""


class Sample(Payload):
    """What was seen of one side over some time."""

    requests: int = 0
    errors: int = 0
    p99_seconds: float | None = None
    """None: too few to say, or not measured."""
    p99_at_least_seconds: float | None = None
    """What the p99 certainly is at least (see `slow_by_chance`); None: not measured."""
    unreached: dict[str, int] = Field(default_factory=dict)
    """Beside these: requests that a gateway instance took no connection for, by its name. They came to no side."""

    @property
    def error_rate(self) -> float:
        """Share of requests that failed; 0 without requests, which `requests` tells apart."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def asked(self) -> int:
        """Requests that came to the side, and those that came to none."""
        return self.requests + sum(self.unreached.values())

    @property
    def lost_rate(self) -> float:
        """Share of all of them that failed, whoever is to blame; 0 without requests."""
        return (self.errors + sum(self.unreached.values())) / self.asked if self.asked else 0.0

    @property
    def silent(self) -> bool:
        """Whether it was asked, and answered nothing right."""
        return 0 < self.requests == self.errors


class Judgement(StrEnum):
    """What a sample of B says."""

    GOOD = "good"
    BAD = "bad"
    INCONCLUSIVE = "inconclusive"
    """Too little was seen: hold, neither go on nor go back."""


class Judged(Payload):
    """A judgement with the sentence that explains it."""

    judgement: Judgement
    sentence: str


def why_no_baseline(limits: Judging, baseline: Sample, name: str) -> str | None:
    """Why what was seen of the source is not enough to compare `name` with; None: it is.

    A source that answered nothing at all has been seen well enough.
    """
    if baseline.requests >= limits.min_samples and (baseline.silent or baseline.p99_seconds is not None):
        return None
    return f"there is no baseline of {limits.min_samples} requests to compare {name} with"


def judge(limits: Judging, baseline: Sample | None, side: Sample, name: str) -> Judged:
    """Compare what was seen of `side` with A's baseline.

    Errors are judged as soon as they could not be within the limit any more even if all missing samples were right; a
    good word needs the minimum of samples on both sides. A source that answered nothing at all is nothing to compare
    with, nor is None (an operator does without): then `side` is held to the limit of errors alone.
    """
    allowed = _allowed(limits, baseline)
    needed = max(limits.min_samples, side.requests)
    if side.errors / needed > allowed:
        return _bad(f"{name} failed {side.errors} of {side.requests} requests; {allowed:.1%} are allowed")
    if side.requests < limits.min_samples:
        text = f"{name} was asked {side.requests} times; {limits.min_samples} are needed to judge it"
        return Judged(judgement=Judgement.INCONCLUSIVE, sentence=text)
    missing = None if baseline is None else why_no_baseline(limits, baseline, name)
    compared = math.inf if baseline is None or baseline.silent else baseline.p99_seconds
    if missing is not None or compared is None or side.p99_seconds is None:
        text = missing or f"no time of an answer is known of {name}"
        return Judged(judgement=Judgement.INCONCLUSIVE, sentence=text)
    limit = compared * limits.max_p99_ratio + limits.max_p99_slack_seconds
    certain = side.p99_seconds if side.p99_at_least_seconds is None else side.p99_at_least_seconds
    if certain > limit:
        return _bad(f"{name}'s p99 is at least {certain * 1000:.0f} ms; {limit * 1000:.0f} ms are allowed")
    text = f"{name} answered {side.requests} requests, {side.errors} failed, p99 {side.p99_seconds * 1000:.0f} ms"
    return Judged(judgement=Judgement.GOOD, sentence=text)


def slow_by_chance(samples: int, share: float = 0.01, certainty: float = 0.99) -> int:
    """How many of `samples` may lie above the true p99 by chance.

    With 80 samples the p99 as measured is the slowest of them, which says next to nothing: up to this many slow answers
    are expected in 99 of 100 tries of a side whose p99 is just at the limit (binomial).
    """
    slow, probability = 0, (1 - share) ** samples
    total = probability
    while total < certainty and slow < samples:
        slow += 1
        probability *= (samples - slow + 1) / slow * share / (1 - share)
        total += probability
    return slow


def judge_counted(limits: Judging, baseline: Sample | None, counted: Sample, name: str) -> Judged | None:
    """What the gateways' counters of real requests say against `name`, or None. They can condemn, not acquit."""
    allowed = _allowed(limits, baseline)
    if counted.errors / max(limits.min_samples, counted.requests) <= allowed:
        return None
    return _bad(f"{name} failed {counted.errors} of {counted.requests} requests of users; {allowed:.1%} are allowed")


def judge_fallback(strays: int, asked: int, name: str) -> Judged | None:
    """Whether gateways fell back from `name` although it has all the weight: it does not serve, even if nobody noticed."""
    return _bad(f"{name} did not answer {strays} of {asked} requests; the gateways fell back") if strays else None


def judge_checks(failed_rounds: int, reason: str, name: str) -> Judged | None:
    """Whether `name` fails its own readiness checks, several rounds running."""
    return _bad(f"{name} is not ready any more: {reason}") if failed_rounds >= FAILED_ROUNDS else None


def judge_gateways(limits: Judging, baseline: Sample | None, side: Sample, name: str) -> Judged | None:
    """Whether too many requests came to no side at all, or None. It speaks against going on, and not against `name`."""
    usual = 0.0 if baseline is None or baseline.silent else baseline.lost_rate
    allowed = limits.max_error_rate + usual
    lost = sum(side.unreached.values())
    if lost / max(limits.min_samples, side.asked) <= allowed:
        return None
    return _bad(f"{unreached_in_words(side)}, whatever {name} answers; {allowed:.1%} may fail")


def unreached_in_words(side: Sample) -> str:
    """Where requests came to no side, and how many."""
    lost = sum(side.unreached.values())
    return f"{lost} of {side.asked} requests were not taken by gateway instance {', '.join(side.unreached)}"


def _allowed(limits: Judging, baseline: Sample | None) -> float:
    """The error rate that a side may have. Nobody has to be as bad as a source that answers nothing."""
    return limits.max_error_rate + (0.0 if baseline is None or baseline.silent else baseline.error_rate)


def _bad(sentence: str) -> Judged:
    return Judged(judgement=Judgement.BAD, sentence=sentence)
