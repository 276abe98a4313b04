# SPDX-License-Identifier: Apache-2.0
"""The gate, one rule at a time, on a table of rounds."""

import pytest

from readiness.answers import never, not_yet, ready
from readiness.gate import GateOutcome, GateState, advance, begin, judge, longest_silence, probe_labels
from readiness.model import GateSpec, ProbeSpec, Rule, Verdict

ANSWERS = {"+": ready("ok"), "-": not_yet("503"), "x": never("broken")}


def gate(probes: int = 2, **settings: object) -> GateSpec:
    """A gate of the first few kinds of probes."""
    kinds = tuple(ProbeSpec(kind=kind) for kind in ("http", "grpc", "tcp", "exec")[:probes])
    return GateSpec.model_validate({"probes": kinds, "stable_seconds": 1, "period_seconds": 0.5, **settings})


def played(spec: GateSpec, *rounds: tuple[float, str], beside: int = 0) -> GateState:
    """The state after rounds such as (0.5, "+-"): moment, and one letter for each check ("?" for no answer)."""
    names: dict[str, str | None] = {f"{label} direct": label for label in probe_labels(spec)}
    names |= {f"beside {number}": None for number in range(beside)}
    state = begin(names, 0.0)
    for now, letters in rounds:
        said: dict[str, Verdict] = {
            name: ANSWERS[letter] for name, letter in zip(names, letters, strict=True) if letter != "?"
        }
        state = advance(spec, state, now, said)
    return state


def outcome(spec: GateSpec, *rounds: tuple[float, str], now: float | None = None, beside: int = 0) -> GateOutcome:
    """The judgement after `rounds`, asked for at `now` or with the last of them."""
    state = played(spec, *rounds, beside=beside)
    return judge(spec, state, now if now is not None else rounds[-1][0]).outcome


def test_opens_exactly_when_the_stable_time_is_full() -> None:
    """Stable for the whole time is ready; a moment less is not."""
    assert outcome(gate(), (0, "++"), (0.5, "++"), (1.0, "++")) is GateOutcome.READY
    assert outcome(gate(), (0, "++"), (0.5, "++"), (0.999, "++")) is GateOutcome.NOT_YET


def test_time_without_answers_proves_nothing() -> None:
    """Only the time between answered rounds counts as stable, however late one asks."""
    assert outcome(gate(), (0, "++"), (0.5, "++"), now=5) is GateOutcome.NOT_YET


def test_one_break_starts_the_stable_time_anew() -> None:
    """The stable time counts from the round after the break."""
    state = played(gate(), (0, "++"), (0.5, "+-"), (1.0, "++"), (1.5, "++"))
    assert state.holding_since == 1.0
    assert state.breaks == 1
    assert judge(gate(), state, 1.5).outcome is GateOutcome.NOT_YET
    assert outcome(gate(), (0, "++"), (0.5, "+-"), (1.0, "++"), (1.5, "++"), (2.0, "++")) is GateOutcome.READY


def test_a_missing_answer_is_not_an_answer() -> None:
    """A check that was ready and is then not heard of does not pass."""
    state = played(gate(), (0, "++"), (0.5, "+?"))
    assert state.holding_since is None


def test_a_hole_between_rounds_starts_the_stable_time_anew() -> None:
    """After a longer silence than the specification allows for, what was true before is no longer known."""
    spec = gate(stable_seconds=3)
    silence = longest_silence(spec)
    assert silence == 3.0
    assert played(spec, (0, "++"), (silence, "++")).holding_since == 0
    assert played(spec, (0, "++"), (silence + 0.01, "++")).holding_since == silence + 0.01


def test_without_a_stable_time_one_round_is_enough() -> None:
    """stable_seconds 0 opens with the first good round."""
    assert outcome(gate(stable_seconds=0), (0, "++")) is GateOutcome.READY


@pytest.mark.parametrize(
    ("settings", "letters", "expected"),
    [
        ({"rule": "all"}, "+++", GateOutcome.READY),
        ({"rule": "all"}, "++-", GateOutcome.NOT_YET),
        ({"rule": "any"}, "--+", GateOutcome.READY),
        ({"rule": "any"}, "---", GateOutcome.NOT_YET),
        ({"rule": "quorum", "quorum": 2}, "+-+", GateOutcome.READY),
        ({"rule": "quorum", "quorum": 2}, "+--", GateOutcome.NOT_YET),
        ({"rule": "all"}, "++x", GateOutcome.NEVER),
        ({"rule": "any"}, "xx-", GateOutcome.NOT_YET),
        ({"rule": "any"}, "xxx", GateOutcome.NEVER),
        ({"rule": "quorum", "quorum": 2}, "x+-", GateOutcome.NOT_YET),
        ({"rule": "quorum", "quorum": 2}, "xx+", GateOutcome.NEVER),
    ],
)
def test_rules(settings: dict[str, object], letters: str, expected: GateOutcome) -> None:
    """Each rule opens, waits and gives up when it should."""
    assert outcome(gate(3, stable_seconds=0, **settings), (0, letters)) is expected


def test_a_probe_passes_only_by_every_way() -> None:
    """Under `any`, a probe that passes directly and not through a gateway does not open the gate."""
    spec = gate(1, rule=Rule.ANY, stable_seconds=0)
    state = begin({"http direct": "http", "http via edge-1": "http"}, 0)
    half = advance(spec, state, 0, {"http direct": ready("ok"), "http via edge-1": not_yet("404")})
    assert judge(spec, half, 0).sentence == "http via edge-1: 404"
    whole = advance(spec, half, 0.5, {"http direct": ready("ok"), "http via edge-1": ready("ok")})
    assert judge(spec, whole, 0.5).outcome is GateOutcome.READY


def test_nothing_asked_is_never_ready() -> None:
    """All of nothing is false: a gate without checks ends at once."""
    verdict = judge(gate(), begin({}, 0), 0)
    assert verdict.outcome is GateOutcome.NEVER
    assert "http is asked by no way" in verdict.sentence


def test_a_probe_without_a_way_is_not_passed_by_the_others() -> None:
    """Under `all`, a configured probe that nobody asks keeps the gate shut."""
    spec = gate(2, stable_seconds=0)
    state = advance(spec, begin({"http direct": "http"}, 0), 0, {"http direct": ready("ok")})
    assert judge(spec, state, 0).outcome is GateOutcome.NEVER


@pytest.mark.parametrize(("letter", "expected"), [("+", "ready"), ("-", "not_yet"), ("x", "never"), ("?", "not_yet")])
def test_a_check_beside_the_probes_must_pass_whatever_the_rule(letter: str, expected: str) -> None:
    """The orchestrator's own checks are not outvoted."""
    assert outcome(gate(2, rule="any", stable_seconds=0), (0, "++" + letter), beside=1) == expected


def test_checks_beside_the_probes_alone_open_nothing() -> None:
    """At least one probe must pass."""
    spec = gate(1, stable_seconds=0)
    state = advance(spec, begin({"capacity": None, "http direct": "http"}, 0), 0, {"capacity": ready("enough")})
    assert judge(spec, state, 0).outcome is GateOutcome.NOT_YET


def test_nothing_counts_before_the_delay_is_over() -> None:
    """Answers before the delay do not hold; at the exact end they do."""
    spec = gate(delay_seconds=1, stable_seconds=0)
    assert outcome(spec, (0.99, "++")) is GateOutcome.NOT_YET
    assert outcome(spec, (1.0, "++")) is GateOutcome.READY
    assert judge(spec, begin({"http direct": "http", "grpc direct": "grpc"}, 0), 0.5).sentence == (
        "the first check is due 1 s after the start, 0.5 s have passed"
    )


def test_the_deadline_is_exact() -> None:
    """Not ready at the deadline is the end; stable at that very moment is in time; later is too late."""
    spec = gate(deadline_seconds=2)
    assert outcome(spec, (0, "+-"), now=1.999) is GateOutcome.NOT_YET
    assert outcome(spec, (0, "+-"), now=2) is GateOutcome.DEADLINE
    assert outcome(spec, (1, "++"), (2, "++")) is GateOutcome.READY
    assert outcome(spec, (1, "++"), (2.001, "++")) is GateOutcome.DEADLINE


def test_sentences_name_the_check_and_its_reason() -> None:
    """An operator reads which check holds the gate, why, and how many more."""
    spec = gate(3, deadline_seconds=2)
    state = played(spec, (0, "--+"))
    assert judge(spec, state, 0).sentence == "http direct: 503 (and 1 more of 3 checks)"
    assert judge(spec, state, 2).sentence == "not ready within 2 s: http direct: 503 (and 1 more of 3 checks)"
    broken = judge(spec, played(spec, (0, "-x+")), 0).sentence
    assert broken == "grpc direct will never pass: broken (can still pass: 2, needed: 3 of 3)"
    opened = judge(spec, played(spec, (0, "+++"), (1, "+++")), 1).sentence
    assert opened == "ready: 3 of 3 checks pass (rule: all), 2 rounds, without a break for 1 s"


def test_each_result_is_kept_in_bounded_room() -> None:
    """Counts, the first and the last answers stay, however many rounds there were."""
    spec = gate(1)
    state = played(spec, (0, "-"), *((float(second), "+") for second in range(1, 500)))
    record = state.checks["http direct"]
    assert (record.asked, record.ready, record.not_yet, record.never) == (500, 499, 1, 0)
    assert record.first == record.last_failure == ANSWERS["-"]
    assert record.last == ANSWERS["+"]


def test_a_strange_verdict_or_time_going_back_is_a_mistake() -> None:
    """The gate takes verdicts of its own checks only, in order."""
    spec = gate(1)
    with pytest.raises(ValueError, match="not checks of this gate: nobody"):
        advance(spec, begin({"http direct": "http"}, 0), 0, {"nobody": ready("ok")})
    with pytest.raises(ValueError, match="earlier than the latest round"):
        advance(spec, played(spec, (5, "+")), 4, {})


def test_probes_of_one_kind_are_numbered() -> None:
    """Labels are unique within a gate."""
    spec = GateSpec(probes=tuple(ProbeSpec(kind=kind) for kind in ("http", "tcp", "http", "http")))
    assert probe_labels(spec) == ("http", "tcp", "http-2", "http-3")
