# SPDX-License-Identifier: Apache-2.0
"""The built-in selector: filters, then a weighted mean of scores, then a margin that keeps applications from wandering.

Pure: equal requests give equal decisions, in whatever order the candidates come. Rules as in Karmada's and Open Cluster
Management's schedulers (reference: mec.md, 3.3 and 3.4): scores 0 to 100, ties broken by the cluster's name.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from relocate.checking import checked
from relocate.model.application import Requirements
from relocate.model.values import Duration, Model
from relocate.targets import filters, scorers
from relocate.targets.contract import Candidate, Decision, Ranked, Rejection, SelectionRequest, TargetSelector

Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class Weights(Model):
    """How much each scorer counts, against the others."""

    latency: Weight = 0.6
    capacity: Weight = 0.4

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if self.latency + self.capacity == 0:
            raise ValueError("at least one weight must be above 0")
        return self


class BuiltinSettings(Model):
    """Settings of the built-in selector."""

    weights: Weights = Weights()
    failure_backoff_seconds: Duration = 300.0
    """How long a cluster is left alone after a relocation to it failed."""
    stay_put_margin: float = Field(default=10.0, ge=0, le=100)
    """By how many points the best must beat the current cluster, if that is a candidate and still good."""
    latency_scale_ms: float = Field(default=100.0, gt=0, le=60_000)
    """Latency that scores 0, for applications that set no limit of their own."""
    plenty_cpu_millicores: int = Field(default=8000, ge=1)
    """Free CPU that scores 100."""
    plenty_memory_mib: int = Field(default=16384, ge=1)
    """Free memory that scores 100."""


class BuiltinSelector(TargetSelector):
    """Chooses by filters and weighted scores."""

    def __init__(self, settings: BuiltinSettings) -> None:
        """Args: settings: weights and limits."""
        self._settings = settings

    @classmethod
    def open(cls, settings: Mapping[str, Any]) -> Self:
        """Make the selector; raises InvalidRequest."""
        return cls(checked(BuiltinSettings, settings, at="selector_settings"))

    async def rank(self, request: SelectionRequest) -> Decision:
        """Rank the candidates of `request`."""
        return decide(request, self._settings)


def decide(request: SelectionRequest, settings: BuiltinSettings) -> Decision:
    """The decision: filter, score, and compare with staying."""
    needed = filters.moving(request, timedelta(seconds=settings.failure_backoff_seconds))
    judged = [(found, filters.reasons(found, needed)) for found in request.candidates]
    fitting = [_ranked(found, request.requirements, settings) for found, reasons in judged if not reasons]
    ranked = tuple(sorted(fitting, key=lambda each: (-each.score, each.cluster)))
    unfit = [Rejection(cluster=found.cluster, reasons=reasons) for found, reasons in judged if reasons]
    rejected = tuple(sorted(unfit, key=lambda each: each.cluster))
    current = _current(request, settings)
    stays = current is not None and (not ranked or ranked[0].score - current.score < settings.stay_put_margin)
    sentence = _sentence(ranked, rejected, current, settings.stay_put_margin, stays=stays)
    return Decision(selector="builtin", ranked=ranked, rejected=rejected, keep_current=stays, sentence=sentence)


def _ranked(candidate: Candidate, taken: Requirements, settings: BuiltinSettings) -> Ranked:
    scores = {
        "latency": scorers.latency(candidate, taken.max_latency_ms or settings.latency_scale_ms),
        "capacity": scorers.capacity(
            candidate,
            taken,
            plenty_millicores=settings.plenty_cpu_millicores,
            plenty_mib=settings.plenty_memory_mib,
        ),
    }
    score = scorers.mean(scores, settings.weights.model_dump())
    rounded = {name: round(value, 1) for name, value in scores.items()}
    return Ranked(cluster=candidate.cluster, score=round(score, 1), scores=rounded)


def _current(request: SelectionRequest, settings: BuiltinSettings) -> Ranked | None:
    """The source's score if it is a candidate and still good; it has its CPU and memory already."""
    source = next((found for found in request.candidates if found.cluster == request.source), None)
    if source is None or filters.reasons(source, filters.staying(request)):
        return None
    already = Requirements(max_latency_ms=request.requirements.max_latency_ms)
    return _ranked(source, already, settings)


def _sentence(
    ranked: tuple[Ranked, ...], rejected: tuple[Rejection, ...], current: Ranked | None, margin: float, *, stays: bool
) -> str:
    if not ranked and not rejected:
        return "There was no candidate to choose from."
    if not ranked:
        why = "; ".join(f"{each.cluster}: {', '.join(each.reasons)}" for each in rejected)
        return f"{current.cluster} stays, for nothing else fits: {why}." if current else f"No candidate fits: {why}."
    best = ranked[0]
    if stays and current:
        compared = f"{best.cluster} scores {best.score:g} against {current.score:g}"
        return f"{current.cluster} stays: {compared}, and {margin:g} points more are needed for a move."
    scores = ", ".join(f"{name} {value:g}" for name, value in best.scores.items())
    versus = f"; {current.cluster}, where it runs, scores {current.score:g}" if current else ""
    return f"{best.cluster} is the best of {len(ranked) + len(rejected)}: {best.score:g} ({scores}){versus}."
