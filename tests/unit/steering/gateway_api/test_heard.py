# SPDX-License-Identifier: Apache-2.0
"""Which replicas know where the sides of a route listen."""

from collections.abc import Sequence

import httpx

from steering.gateway_api.heard import Heard
from steering.gateway_api.implementations.contract import Untold
from steering.gateway_api.settings import Replica
from steering.model import Endpoint
from tests.unit.steering.gateway_api.objects import document

REPLICA = Replica(id="edge-1", address=Endpoint(host="192.0.2.1", port=443))


class Answering(Untold):
    """Says one after the other what it was given, and notes what it was asked."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[Sequence[str]] = []

    async def unheard(self, replica: Replica, namespace: str, services: Sequence[str]) -> Sequence[str]:  # noqa: ARG002
        """The next answer."""
        self.asked.append(services)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_service_is_asked_for_until_it_is_known() -> None:
    """What a replica has not heard of is asked again; what it has heard of is not."""
    gateway = Answering((), ())
    heard = Heard(gateway, "apps")
    await heard.unheard(REPLICA, document())
    (services,) = gateway.asked
    gateway.asked.clear()
    gateway.answers = [services[:1], ()]
    heard = Heard(gateway, "apps")
    assert await heard.unheard(REPLICA, document()) == services[:1]
    assert await heard.unheard(REPLICA, document()) == ()
    assert await heard.unheard(REPLICA, document()) == ()
    assert gateway.asked == [services, services[:1]]


async def test_what_could_not_be_asked_is_not_taken_for_known() -> None:
    """A replica whose state cannot be read is not waited for, and is asked again."""
    gateway = Answering(httpx.ConnectError("refused"), ())
    heard = Heard(gateway, "apps")
    assert await heard.unheard(REPLICA, document()) == ()
    assert await heard.unheard(REPLICA, document()) == ()
    assert await heard.unheard(REPLICA, document()) == ()
    assert len(gateway.asked) == 2
    assert gateway.asked[0] == gateway.asked[1]
