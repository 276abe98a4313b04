# SPDX-License-Identifier: Apache-2.0
"""The readiness gate: a pure function from answers to "ready", with a sentence for every judgement.

Three rules stand above the configured one. *At least one*: nothing asked is never ready. *Unknown is not true*: a
check without an answer in the latest round does not pass. *A hole is no proof*: when no round ends for longer than
`longest_silence`, the stable time starts anew.

A probe may be asked by several ways (directly, and through each gateway instance). The rule joins *probes*, and a
probe passes when it passes by every way.

Times are seconds of one monotonic clock.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

from pydantic import Field

from readiness.model import GateSpec, Model, Readiness, Rule, Verdict


class GateOutcome(StrEnum):
    """What the gate says."""

    READY = "ready"
    NOT_YET = "not_yet"
    NEVER = "never"
    """The rule can no longer be met."""
    DEADLINE = "deadline"
    """Not ready in time."""


class GateVerdict(Model):
    """The gate's judgement, in words an operator can use."""

    outcome: GateOutcome
    sentence: str

    @property
    def ended(self) -> bool:
        """Whether asking on would change nothing."""
        return self.outcome is not GateOutcome.NOT_YET


class CheckRecord(Model):
    """What one check has answered so far."""

    probe: str | None
    """Label of the probe that it belongs to (`probe_labels`); None if it must pass whatever the rule is."""
    asked: int = 0
    """How often it was asked; the sum of the next three."""
    ready: int = 0
    not_yet: int = 0
    never: int = 0
    first: Verdict | None = None
    last: Verdict | None = None
    last_failure: Verdict | None = None
    """The latest answer other than ready."""
    last_round: int = 0
    """Number of the round in which `last` was said."""

    def after(self, verdict: Verdict, number: int) -> "CheckRecord":
        """The record with one more answer, given in round `number`."""
        count = {"asked": self.asked + 1, verdict.readiness.value: getattr(self, verdict.readiness.value) + 1}
        failure = self.last_failure if verdict.ready else verdict
        said = {"first": self.first or verdict, "last": verdict, "last_failure": failure, "last_round": number}
        return self.model_copy(update=count | said)


class GateState(Model):
    """Everything the gate remembers: its size depends on the number of checks, not on time."""

    started_at: float
    rounds: int = 0
    last_round_at: float | None = None
    holding_since: float | None = None
    """Since when the rule has held without a break, as of the latest round; None if it does not hold."""
    breaks: int = 0
    """How often the rule held and then did not."""
    checks: Mapping[str, CheckRecord] = Field(default_factory=dict)


def probe_labels(spec: GateSpec) -> tuple[str, ...]:
    """A short unique name for each probe of the gate, in order: its kind, numbered where kinds repeat."""
    labels: list[str] = []
    for probe in spec.probes:
        earlier = sum(1 for before in spec.probes[: len(labels)] if before.kind == probe.kind)
        labels.append(f"{probe.kind}-{earlier + 1}" if earlier else probe.kind)
    return tuple(labels)


def longest_silence(spec: GateSpec) -> float:
    """Seconds without a finished round after which what was true before is no longer known to be true.

    Rounds end at most a period and a time-out apart; twice that allows for a busy machine.
    """
    return 2 * (spec.period_seconds + spec.timeout_seconds)


def begin(checks: Mapping[str, str | None], now: float) -> GateState:
    """The gate before the first answer.

    Args:
        checks: names of all checks, each with its probe's label, or None if it must pass whatever the rule is.
        now: the gate's start; delay and deadline count from here.
    """
    return GateState(started_at=now, checks={name: CheckRecord(probe=probe) for name, probe in checks.items()})


def advance(spec: GateSpec, state: GateState, now: float, verdicts: Mapping[str, Verdict]) -> GateState:
    """The gate after one round whose last answer came at `now`. A check without a verdict was not heard of.

    Raises:
        ValueError: a verdict of a check that this gate does not have, or time going back.
    """
    if strangers := verdicts.keys() - state.checks.keys():
        raise ValueError(f"verdicts: not checks of this gate: {', '.join(sorted(strangers))}")
    if now < (state.started_at if state.last_round_at is None else state.last_round_at):
        raise ValueError("now: earlier than the latest round")
    number = state.rounds + 1
    checks = {
        name: record.after(verdicts[name], number) if name in verdicts else record
        for name, record in state.checks.items()
    }
    after = state.model_copy(update={"rounds": number, "checks": checks, "last_round_at": now})
    since = _holding_since(spec, state, after, now)
    broke = state.holding_since is not None and since != state.holding_since
    return after.model_copy(update={"holding_since": since, "breaks": state.breaks + broke})


def _holding_since(spec: GateSpec, before: GateState, after: GateState, now: float) -> float | None:
    if now - after.started_at < spec.delay_seconds or not _holds(spec, after):
        return None
    heard = before.last_round_at
    if before.holding_since is None or heard is None or now - heard > longest_silence(spec):
        return now
    return before.holding_since


def judge(spec: GateSpec, state: GateState, now: float) -> GateVerdict:
    """What the gate says at `now`. Only answered rounds prove anything; the time since the latest one does not.

    A gate that became stable at the very moment of its deadline is ready.
    """
    if hopeless := why_never(spec, state):
        return GateVerdict(outcome=GateOutcome.NEVER, sentence=hopeless)
    steady = _steady_seconds(state)
    in_time = state.last_round_at is not None and state.last_round_at - state.started_at <= spec.deadline_seconds
    if steady is not None and steady >= spec.stable_seconds and in_time:
        sentence = f"ready: {_passed(spec, state)}, without a break for {steady:.3g} s"
        return GateVerdict(outcome=GateOutcome.READY, sentence=sentence)
    sentence = _why_not_yet(spec, state, now)
    if now - state.started_at >= spec.deadline_seconds:
        late = f"not ready within {spec.deadline_seconds:g} s: {sentence}"
        return GateVerdict(outcome=GateOutcome.DEADLINE, sentence=late)
    return GateVerdict(outcome=GateOutcome.NOT_YET, sentence=sentence)


def why_never(spec: GateSpec, state: GateState) -> str | None:
    """Why the rule can no longer be met, or None if it can."""
    for name, record in state.checks.items():
        if record.probe is None and _said_never(record):
            return f"{name} will never pass: {_reason(record)}"
    labels = probe_labels(spec)
    possible = [label for label in labels if _possible(_ways(state, label))]
    needed = _needed(spec, labels)
    if len(possible) >= needed:
        return None
    lost = "; ".join(_why_impossible(state, label) for label in labels if label not in possible)
    return f"{lost} (can still pass: {len(possible)}, needed: {needed} of {len(labels)})"


def _holds(spec: GateSpec, state: GateState) -> bool:
    beside = all(_passes(state, record) for record in state.checks.values() if record.probe is None)
    return beside and len(_passing(spec, state)) >= _needed(spec, probe_labels(spec))


def _passing(spec: GateSpec, state: GateState) -> list[str]:
    return [
        label
        for label in probe_labels(spec)
        if (ways := _ways(state, label)) and all(_passes(state, record) for record in ways.values())
    ]


def _needed(spec: GateSpec, labels: Collection[str]) -> int:
    match spec.rule:
        case Rule.ALL:
            return max(1, len(labels))
        case Rule.ANY:
            return 1
        case Rule.QUORUM:
            return max(1, spec.quorum or len(labels))


def _ways(state: GateState, label: str) -> dict[str, CheckRecord]:
    return {name: record for name, record in state.checks.items() if record.probe == label}


def _passes(state: GateState, record: CheckRecord) -> bool:
    return record.last is not None and record.last.ready and record.last_round == state.rounds


def _said_never(record: CheckRecord) -> bool:
    return record.last is not None and record.last.readiness is Readiness.NEVER


def _possible(ways: Mapping[str, CheckRecord]) -> bool:
    return bool(ways) and not any(_said_never(record) for record in ways.values())


def _why_impossible(state: GateState, label: str) -> str:
    ways = _ways(state, label)
    said = [f"{name} will never pass: {_reason(record)}" for name, record in ways.items() if _said_never(record)]
    return "; ".join(said) if said else f"{label} is asked by no way"


def _steady_seconds(state: GateState) -> float | None:
    if state.holding_since is None or state.last_round_at is None:
        return None
    return state.last_round_at - state.holding_since


def _why_not_yet(spec: GateSpec, state: GateState, now: float) -> str:
    waited = now - state.started_at
    if not state.rounds:
        return "nothing has answered yet" if waited >= spec.delay_seconds else _delaying(spec, waited)
    steady = _steady_seconds(state)
    if steady is not None:
        return f"{_passed(spec, state)}, stable for {steady:.3g} of {spec.stable_seconds:g} s"
    failing = {name: record for name, record in state.checks.items() if not _passes(state, record)}
    if not failing:
        return _delaying(spec, waited)
    name, record = next(iter(failing.items()))
    more = f" (and {len(failing) - 1} more of {len(state.checks)} checks)" if len(failing) > 1 else ""
    return f"{name}: {_reason(record)}{more}"


def _delaying(spec: GateSpec, waited: float) -> str:
    return f"the first check is due {spec.delay_seconds:g} s after the start, {waited:.3g} s have passed"


def _passed(spec: GateSpec, state: GateState) -> str:
    passing = sum(_passes(state, record) for record in state.checks.values())
    return f"{passing} of {len(state.checks)} checks pass (rule: {spec.rule}), {state.rounds} rounds"


def _reason(record: CheckRecord) -> str:
    if record.last is None:
        return "has not answered yet"
    return record.last.reason or record.last.readiness.value
