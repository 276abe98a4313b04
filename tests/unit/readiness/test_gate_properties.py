# SPDX-License-Identifier: Apache-2.0
"""What holds for the gate whatever is answered when."""

from hypothesis import given, strategies as st

from readiness.answers import never, not_yet, ready
from readiness.gate import GateOutcome, GateState, advance, begin, judge, longest_silence, probe_labels
from readiness.model import GateSpec, ProbeSpec, Rule, Verdict

Rounds = list[tuple[float, dict[str, Verdict]]]


@st.composite
def specs(draw: st.DrawFn) -> GateSpec:
    """Any gate, with times that rounds can reach."""
    probes = tuple(ProbeSpec(kind=f"kind{number}") for number in range(draw(st.integers(1, 4))))
    rule = draw(st.sampled_from(Rule))
    return GateSpec(
        probes=probes,
        rule=rule,
        quorum=draw(st.integers(1, len(probes))) if rule is Rule.QUORUM else None,
        delay_seconds=draw(st.sampled_from([0, 1, 3])),
        period_seconds=draw(st.sampled_from([0.25, 1, 2])),
        timeout_seconds=draw(st.sampled_from([0.25, 1])),
        stable_seconds=draw(st.sampled_from([0, 1, 2.5])),
        deadline_seconds=draw(st.sampled_from([2, 10, 100])),
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[GateSpec, dict[str, str], Rounds]:
    """A gate, its checks (up to three ways for each probe), and rounds in which any check may stay silent."""
    spec = draw(specs())
    ways = draw(st.integers(0, 3))
    checks = {f"{label} way{way}": label for label in probe_labels(spec) for way in range(ways)}
    said = st.one_of(
        *(st.just(verdict("as drawn")) for verdict in (ready, ready, ready, not_yet, never)),
    )
    rounds: Rounds = []
    now = 0.0
    for _ in range(draw(st.integers(0, 12))):
        now += draw(st.sampled_from([0, 0.25, 0.5, 1, 1, 2, 7]))
        silent = draw(st.sets(st.sampled_from(sorted(checks)), max_size=1)) if checks else set()
        rounds.append((now, {name: draw(said) for name in checks if name not in silent}))
    return spec, checks, rounds


def played(spec: GateSpec, checks: dict[str, str], rounds: Rounds) -> GateState:
    """The state after all rounds."""
    state = begin(checks, 0)
    for now, verdicts in rounds:
        state = advance(spec, state, now, verdicts)
    return state


def passed(spec: GateSpec, checks: dict[str, str], verdicts: dict[str, Verdict]) -> bool:
    """The rule, said another way than the gate says it."""
    probes = [[name for name, of in checks.items() if of == label] for label in probe_labels(spec)]
    good = sum(bool(names) and all(name in verdicts and verdicts[name].ready for name in names) for names in probes)
    return good >= {Rule.ALL: len(spec.probes), Rule.ANY: 1, Rule.QUORUM: spec.quorum}[spec.rule]


@given(histories())
def test_ready_only_if_the_rule_held_in_every_round_of_the_stable_time(
    history: tuple[GateSpec, dict[str, str], Rounds],
) -> None:
    """Ready means: the latest rounds cover the stable time, after the delay, without a bad round or a hole."""
    spec, checks, rounds = history
    state = played(spec, checks, rounds)
    if judge(spec, state, state.last_round_at or 0).outcome is not GateOutcome.READY:
        return
    end = rounds[-1][0]
    good: list[float] = []
    for now, verdicts in reversed(rounds):
        if not passed(spec, checks, verdicts) or now < spec.delay_seconds:
            break
        if good and good[-1] - now > longest_silence(spec):
            break
        good.append(now)
    assert good
    assert end - good[-1] >= spec.stable_seconds
    assert end <= spec.deadline_seconds


@given(histories())
def test_ready_is_not_withheld(history: tuple[GateSpec, dict[str, str], Rounds]) -> None:
    """When every answer is good and rounds come on time, the gate opens as soon as it may."""
    spec, checks, _ = history
    if not checks:
        return
    state, now, good = begin(checks, 0), spec.delay_seconds, {name: ready("ok") for name in checks}
    while now <= spec.delay_seconds + spec.stable_seconds:
        state = advance(spec, state, now, good)
        now += 0.25
    reached = spec.delay_seconds + spec.stable_seconds <= spec.deadline_seconds
    assert judge(spec, state, now - 0.25).outcome is (GateOutcome.READY if reached else GateOutcome.DEADLINE)


@given(histories())
def test_nothing_passes_vacuously(history: tuple[GateSpec, dict[str, str], Rounds]) -> None:
    """Without a single ready answer the gate is never ready."""
    spec, checks, rounds = history
    silent = [(now, {name: said for name, said in verdicts.items() if not said.ready}) for now, verdicts in rounds]
    state = played(spec, checks, silent)
    assert judge(spec, state, state.last_round_at or 0).outcome is not GateOutcome.READY


@given(histories(), st.floats(0, 50))
def test_asking_later_never_makes_ready(history: tuple[GateSpec, dict[str, str], Rounds], later: float) -> None:
    """Time alone proves nothing, and a judgement always has a sentence."""
    spec, checks, rounds = history
    state = played(spec, checks, rounds)
    end = state.last_round_at or 0.0
    first, second = judge(spec, state, end), judge(spec, state, end + later)
    assert (second.outcome is GateOutcome.READY) == (first.outcome is GateOutcome.READY)
    assert first.sentence
    assert second.sentence


@given(histories())
def test_counts_add_up(history: tuple[GateSpec, dict[str, str], Rounds]) -> None:
    """Every answer is counted once, and the state survives being stored."""
    spec, checks, rounds = history
    state = played(spec, checks, rounds)
    assert sum(record.asked for record in state.checks.values()) == sum(len(verdicts) for _, verdicts in rounds)
    for record in state.checks.values():
        assert record.asked == record.ready + record.not_yet + record.never
    assert GateState.model_validate_json(state.model_dump_json()) == state
