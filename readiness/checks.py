# SPDX-License-Identifier: Apache-2.0
"""From a gate's specification to the questions that are asked: every probe, by every way."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from readiness.answers import not_yet
from readiness.contract import Probe
from readiness.errors import InvalidProbe, UnknownProbe
from readiness.gate import probe_labels
from readiness.model import GateSpec, ProbeSpec, Target, Verdict, Via
from readiness.probes import load

Question = Callable[[], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True)
class Check:
    """One question of a gate."""

    ask: Question
    probe: str | None = None
    """Label of the probe that it belongs to; None for a question beside the probes ("does the cluster say that it
    runs?"), which must pass whatever the rule is."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the instance: directly to an endpoint, or through one gateway instance."""

    name: str
    """Stands in the record: "direct", "via edge-1"."""
    targets: Mapping[str, Target]
    """By port name."""
    gateway: bool = False


def check(spec: ProbeSpec, target: Target, *, timeout: float) -> Question:
    """The question of one probe to one target.

    Raises:
        UnknownProbe: no probe of this kind is installed.
        InvalidProbe: a setting makes no sense.
    """
    return _question(load(spec.kind).open(spec.settings), target, timeout)


def opened(gate: GateSpec) -> tuple[Probe, ...]:
    """The gate's probes in order: what to call to find mistakes in a specification before anything starts.

    Raises:
        UnknownProbe, InvalidProbe: the text starts with the place, such as "probes.1.settings.path: ...".
    """
    return tuple(_opened(number, spec) for number, spec in enumerate(gate.probes))


def checks(gate: GateSpec, ways: Sequence[Way]) -> dict[str, Check]:
    """Every probe by every way that it wants, named like "http direct" and "http via edge-1".

    A probe that wants to be asked through gateways when none is among `ways` gets one check that does not pass:
    nothing asked proves nothing.

    Raises:
        UnknownProbe, InvalidProbe: as `opened`, and when a way has no such port.
    """
    made: dict[str, Check] = {}
    for number, (label, probe) in enumerate(zip(probe_labels(gate), opened(gate), strict=True)):
        spec = gate.probes[number]
        for gateway in _kinds_of_way(spec, probe):
            found = [way for way in ways if way.gateway is gateway]
            for way in found:
                question = _question(probe, _target(number, spec, way), gate.timeout_seconds)
                made[f"{label} {way.name}"] = Check(question, label)
            if not found:
                made[f"{label} {'via gateways' if gateway else 'direct'}"] = Check(_nobody, label)
    return made


def _opened(number: int, spec: ProbeSpec) -> Probe:
    try:
        kind = load(spec.kind)
        probe = kind.open(spec.settings)
    except UnknownProbe as error:
        raise UnknownProbe(f"probes.{number}.{error}") from error
    except InvalidProbe as error:
        raise InvalidProbe(f"probes.{number}: {error}") from error
    if spec.via is Via.GATEWAYS and not kind.through_gateways:
        raise InvalidProbe(
            f"probes.{number}.via: a {spec.kind} probe cannot see behind a gateway; allowed: direct, both"
        )
    return probe


def _kinds_of_way(spec: ProbeSpec, probe: Probe) -> tuple[bool, ...]:
    if spec.via is Via.DIRECT or not probe.through_gateways:
        return (False,)
    return (True,) if spec.via is Via.GATEWAYS else (False, True)


def _target(number: int, spec: ProbeSpec, way: Way) -> Target:
    if spec.port not in way.targets:
        known = ", ".join(sorted(way.targets)) or "none"
        raise InvalidProbe(f"probes.{number}.port: no port {spec.port!r} {way.name}; there is: {known}")
    return way.targets[spec.port]


def _question(probe: Probe, target: Target, timeout: float) -> Question:
    async def ask() -> Verdict:
        return await probe.check(target, timeout=timeout)

    return ask


async def _nobody() -> Verdict:
    return not_yet("there is nobody to ask this way")
