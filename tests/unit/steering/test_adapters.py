# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from steering.adapters import kinds, load
from steering.adapters.envoy import EnvoyAdapter
from steering.adapters.memory import MemoryAdapter
from steering.errors import Rejected, Unavailable
from steering.memory import MemoryGateway, MemorySettings
from steering.model import Acknowledgement, Port
from steering.store.engine import engine
from steering.store.tables import METADATA
from tests.unit.steering.documents import SETTINGS, backend, document, fence


class Clock:
    """A clock that is set by hand."""

    time = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.time


@pytest.fixture
def clock() -> Clock:
    """The gateway's clock."""
    return Clock()


@pytest.fixture
def gateway(clock: Clock) -> MemoryGateway:
    """A memory gateway with two instances."""
    return MemoryGateway(MemorySettings(instances=("one", "two")), clock=clock)


@pytest.fixture
def envoys(tmp_path: Path) -> EnvoyAdapter:
    """An Envoy adapter whose gateway nobody has ever connected to."""
    url = f"sqlite:///{tmp_path}/steering.db"
    METADATA.create_all(engine(url))
    return EnvoyAdapter.open("edge", SETTINGS.model_dump(mode="json"), database_url=url)


async def _states(adapter: MemoryAdapter, version: str) -> list[Acknowledgement]:
    return [one.state for one in await adapter.acknowledged("shop", version)]


def test_kinds_are_found_by_entry_point() -> None:
    """Ours are there; one that is not is refused with those that are."""
    assert {"envoy", "memory"} <= set(kinds())
    assert load("memory") is MemoryAdapter
    with pytest.raises(ValueError, match=r"telepathy is not installed; there are .*envoy"):
        load("telepathy")


async def test_latency_delays_effect_and_acknowledgement(gateway: MemoryGateway, clock: Clock) -> None:
    """Until its time a document is pending, and the old one answers."""
    adapter = MemoryAdapter(gateway)
    first = await adapter.apply(document(), fence=fence(1), base=None)
    gateway.latency_seconds = 2.0
    second = await adapter.apply(document({"b": 100}, epoch="e2"), fence=fence(2), base=first)
    assert await _states(adapter, second) == [Acknowledgement.PENDING] * 2
    assert gateway.answer("one", "shop").side == "a"
    clock.time = 2.0
    assert await _states(adapter, second) == [Acknowledgement.APPLIED] * 2
    assert gateway.answer("one", "shop").side == "b"


async def test_faults_of_one_instance(gateway: MemoryGateway) -> None:
    """Deaf, dead, refusing, silent and lying instances look as they should, and differ in what they serve."""
    adapter = MemoryAdapter(gateway)
    version = await adapter.apply(document(), fence=fence(1), base=None)
    faults = {
        "cut": (Acknowledgement.DEAF, "a"),
        "refuse": (Acknowledgement.REJECTED, "a"),
        "silent": (Acknowledgement.PENDING, "b"),
        "stale": (Acknowledgement.APPLIED, "a"),
    }
    for number, (fault, (state, side)) in enumerate(faults.items(), 1):
        if fault == "cut":
            gateway.cut("two")
        elif fault == "refuse":
            gateway.refusals["two"] = "route: no"
        else:
            getattr(gateway, fault).add("two")
        version = await adapter.apply(document({"b": 100}), fence=fence(2 * number), base=version)
        assert await _states(adapter, version) == [Acknowledgement.APPLIED, state], fault
        assert gateway.answer("two", "shop").side == side, fault
        gateway.refusals.clear()
        gateway.silent.clear()
        gateway.stale.clear()
        gateway.heal("two")
        version = await adapter.apply(document(), fence=fence(2 * number + 1), base=version)
        assert await _states(adapter, version) == [Acknowledgement.APPLIED] * 2
    gateway.kill("two")
    assert await _states(adapter, version) == [Acknowledgement.APPLIED, Acknowledgement.DEAD]
    with pytest.raises(ConnectionRefusedError):
        gateway.answer("two", "shop")


async def test_unavailable_gateway_cannot_be_asked(gateway: MemoryGateway) -> None:
    """Nothing is read or written meanwhile."""
    gateway.unavailable = "maintenance"
    with pytest.raises(Unavailable, match="maintenance"):
        await MemoryAdapter(gateway).apply(document(), fence=fence(1), base=None)


async def test_failover_answers_from_the_other_side(gateway: MemoryGateway) -> None:
    """A dead side's requests are lost without fail-over, and answered by the other with it."""
    adapter = MemoryAdapter(gateway)
    version = await adapter.apply(document({"a": 0, "b": 100}), fence=fence(1), base=None)
    gateway.down.add("b")
    with pytest.raises(ConnectionResetError):
        gateway.answer("one", "shop")
    await adapter.apply(document({"a": 0, "b": 100}, failover=True), fence=fence(2), base=version)
    assert gateway.answer("one", "shop").side == "a"


async def test_envoy_refuses_what_it_cannot_carry(envoys: EnvoyAdapter) -> None:
    """Each problem names its field; a fatal one is refused on writing too."""
    await envoys.apply(document(route="game", hosts=("game.example",)), fence=fence(1), base=None)
    bad = {
        "hosts.0": document(hosts=("*.example",)),
        "hosts": document(hosts=("GAME.example",)),
        "backends.a.endpoints.http": document(backends=(backend("a", host="localhost"),)),
        "ports.http.health": document(ports=(Port(name="http", health="healthz"),)),
        "ports.two.prefix": document(
            ports=(Port(name="one"), Port(name="two")),
            backends=(backend("a", ports=(Port(name="one"), Port(name="two"))),),
        ),
    }
    for field, wrong in bad.items():
        assert field in {problem.field for problem in await envoys.validate(wrong) if problem.fatal}
        with pytest.raises(Rejected):
            await envoys.apply(wrong, fence=fence(1), base=None)
    assert list(await envoys.validate(document())) == []
    await envoys.close()


async def test_envoy_that_never_connected_is_not_made_up(envoys: EnvoyAdapter) -> None:
    """A declared instance that nobody has seen is dead or unknown by evidence, and its counters are unknown."""
    version = await envoys.apply(document(), fence=fence(1), base=None)
    (told,) = await envoys.acknowledged("shop", version)
    assert told.state in {Acknowledgement.DEAD, Acknowledgement.UNKNOWN, Acknowledgement.DEAF}
    assert told.reason
    (counted,) = await envoys.usage("shop", "a")
    assert (counted.in_flight, counted.requests_total) == (None, None)
    assert "no admin address" in counted.reason
    await envoys.close()
