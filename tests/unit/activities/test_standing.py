# SPDX-License-Identifier: Apache-2.0
"""Whether what was written still stands at each of two gateways in memory."""

import time

import pytest

from relocate.activities.orders import DrainOrder, Written
from relocate.activities.standing import LOOK_SECONDS, check_all_unchanged
from relocate.activities.ways import Stretch
from relocate.model.application import Application, Drain
from relocate.model.relocation import Phase
from relocate.phases import documents
from steering.adapters.memory import MemoryAdapter, MemoryGateway, MemorySettings
from steering.errors import Conflict, Unavailable
from steering.model import Backend, Endpoint, Fence, RouteState

FENCE = Fence(lease=1, sequence=1)
ROUTE = {"name": "web", "hosts": ["assist.test"], "gateways": ["first", "second"], "ports": [{"name": "http"}]}
APPLICATION = Application.model_validate(
    {"name": "assist", "workloads": {"memory": {}}, "routes": [ROUTE], "readiness": {"probes": [{"kind": "memory"}]}}
)
SIDE = Backend(name="mec-b", instance="assist-1", endpoints={"http": (Endpoint(host="127.0.0.1", port=9),)})


class Silent(MemoryAdapter):
    """Of a gateway that cannot be asked."""

    async def read(self, route: str) -> RouteState | None:
        """Nothing."""
        raise Unavailable(f"{route}: no answer")


async def _stretch(gateway: str, adapter: type[MemoryAdapter], epoch: str) -> Stretch:
    """The application's route at one gateway, as it stands with this epoch."""
    opened = adapter(MemoryGateway.named(f"standing-{gateway}-{epoch}", MemorySettings(instances=("edge-1",))))
    document = documents.document("assist", APPLICATION.routes[0], documents.only(SIDE), epoch)
    await opened.apply(document, fence=FENCE, base=None)
    return Stretch(APPLICATION.routes[0], gateway, opened)


def _order() -> DrainOrder:
    epoch = documents.epoch_of("rel-1", FENCE)
    return DrainOrder(
        relocation="rel-1",
        application=APPLICATION,
        phase=Phase.DRAIN,
        fence=Fence(lease=1, sequence=2),
        side="mec-a",
        drain=Drain(),
        written=Written(epochs={"first/web": epoch, "second/web": epoch}),
    )


async def test_a_gateway_that_cannot_be_asked_hides_no_change_at_another() -> None:
    """Whichever of them is asked first."""
    found = [await _stretch("first", Silent, "any"), await _stretch("second", MemoryAdapter, "somebody-else")]
    for order in (found, found[::-1]):
        with pytest.raises(Conflict, match="changed by somebody else: it is at epoch somebody-else"):
            await check_all_unchanged(_order(), order, time.monotonic() - LOOK_SECONDS)


async def test_what_stands_is_not_asked_for_again_at_once() -> None:
    """Nor where a gateway cannot be asked: nobody who cannot answer is asked ten times a second."""
    ours = documents.epoch_of("rel-1", FENCE)
    found = [await _stretch("first", Silent, "any"), await _stretch("second", MemoryAdapter, ours)]
    looked = await check_all_unchanged(_order(), found, time.monotonic() - LOOK_SECONDS)
    assert time.monotonic() - looked < LOOK_SECONDS
    changed = [await _stretch("second", MemoryAdapter, "somebody-else-again")]
    assert await check_all_unchanged(_order(), changed, looked) == looked
