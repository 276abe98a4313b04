# SPDX-License-Identifier: Apache-2.0
"""From a specification to questions, and mistakes in it."""

import pytest

from readiness.checks import Way, check, checks, opened
from readiness.errors import InvalidProbe, UnknownProbe
from readiness.model import GateSpec, ProbeSpec, Readiness, Target, Via
from readiness.probes import load

DIRECT = Way("direct", {"http": Target(host="127.0.0.1", port=8080)})
EDGES = [
    Way(f"via edge-{number}", {"http": Target(host="127.0.0.1", port=8440 + number)}, gateway=True) for number in (1, 2)
]


def gate(*probes: ProbeSpec) -> GateSpec:
    """A gate of these probes."""
    return GateSpec(probes=probes)


@pytest.mark.parametrize(
    ("via", "expected"),
    [
        (Via.DIRECT, {"memory direct"}),
        (Via.GATEWAYS, {"memory via edge-1", "memory via edge-2"}),
        (Via.BOTH, {"memory direct", "memory via edge-1", "memory via edge-2"}),
    ],
)
def test_each_probe_is_asked_by_each_way_it_wants(via: Via, expected: set[str]) -> None:
    """A probe through gateways is asked through every instance."""
    made = checks(gate(ProbeSpec(kind="memory", via=via)), [DIRECT, *EDGES])
    assert set(made) == expected
    assert {one.probe for one in made.values()} == {"memory"}


async def test_no_gateway_to_ask_through_does_not_pass() -> None:
    """All of no gateways is not "through every gateway"."""
    made = checks(gate(ProbeSpec(kind="memory")), [DIRECT])
    assert set(made) == {"memory direct", "memory via gateways"}
    assert (await made["memory direct"].ask()).ready
    assert not (await made["memory via gateways"].ask()).ready


def test_a_probe_that_cannot_see_behind_a_gateway_is_asked_directly_only() -> None:
    """A tcp connection to a gateway says nothing about the instance behind it."""
    assert set(checks(gate(ProbeSpec(kind="tcp")), [DIRECT, *EDGES])) == {"tcp direct"}
    with pytest.raises(
        InvalidProbe, match=r"probes\.0\.via: a tcp probe cannot see behind a gateway; allowed: direct, both"
    ):
        opened(gate(ProbeSpec(kind="tcp", via=Via.GATEWAYS)))


async def test_the_target_reaches_the_probe() -> None:
    """One question asks one probe about one target."""
    verdict = await check(ProbeSpec(kind="memory"), DIRECT.targets["http"], timeout=1)()
    assert verdict.readiness is Readiness.READY


@pytest.mark.parametrize(
    ("probe", "error", "text"),
    [
        (
            ProbeSpec(kind="telepathy"),
            UnknownProbe,
            r"probes\.1\.kind: there is no probe 'telepathy'; installed: exec, grpc, http",
        ),
        (ProbeSpec(kind="http", settings={"path": "x"}), InvalidProbe, r"probes\.1: http probe: settings\.path: "),
        (ProbeSpec(kind="http", settings={"paht": "/"}), InvalidProbe, r"settings\.paht: Extra inputs"),
        (
            ProbeSpec(kind="http", settings={"expect": {"status": [999]}}),
            InvalidProbe,
            r"settings\.expect\.status\.0: ",
        ),
        (
            ProbeSpec(kind="http", settings={"expect": {"body_matches": "("}}),
            InvalidProbe,
            "must be a regular expression",
        ),
        (ProbeSpec(kind="http", settings={"headers": {"a b": "c"}}), InvalidProbe, r"settings\.headers\.a b"),
        (ProbeSpec(kind="tcp", settings={"port": 1}), InvalidProbe, r"tcp probe: settings\.port: "),
        (ProbeSpec(kind="grpc", settings={"service": 7}), InvalidProbe, r"grpc probe: settings\.service: "),
        (ProbeSpec(kind="exec"), InvalidProbe, r"exec probe: settings\.argv: Field required"),
        (ProbeSpec(kind="exec", settings={"argv": []}), InvalidProbe, r"settings\.argv: "),
        (ProbeSpec(kind="exec", settings={"argv": ["a"], "never": [0]}), InvalidProbe, r"settings\.never"),
        (
            ProbeSpec(kind="prometheus", settings={"url": "file:///etc"}),
            InvalidProbe,
            r"settings\.url: .*settings\.query: ",
        ),
        (ProbeSpec(kind="memory", settings={"verdicts": ["perhaps"]}), InvalidProbe, r"settings\.verdicts\.0"),
        (
            ProbeSpec(kind="memory", port="metrics"),
            InvalidProbe,
            r"probes\.1\.port: no port 'metrics' direct; there is: http",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(probe: ProbeSpec, error: type[Exception], text: str) -> None:
    """The error says which probe, which field, and what is allowed."""
    with pytest.raises(error, match=text):
        checks(gate(ProbeSpec(kind="memory"), probe), [DIRECT, *EDGES])


def test_all_shipped_probes_are_installed() -> None:
    """The registry finds them by entry point."""
    for kind in ("http", "tcp", "grpc", "exec", "prometheus", "memory"):
        assert load(kind).__name__.lower() == f"{kind}probe"


async def test_the_memory_probe_plays_its_script() -> None:
    """Answers come in order, as often as written, the last one for ever; faults are raised."""
    probe = load("memory").open(
        {"verdicts": [{"readiness": "not_yet", "times": 2}, {"readiness": "ready", "fault": "bug"}, "never"]}
    )
    target = DIRECT.targets["http"]
    assert [(await probe.check(target, timeout=1)).readiness for _ in range(2)] == ["not_yet", "not_yet"]
    with pytest.raises(RuntimeError, match="bug"):
        await probe.check(target, timeout=1)
    assert [(await probe.check(target, timeout=1)).readiness for _ in range(2)] == ["never", "never"]
