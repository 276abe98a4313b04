# SPDX-License-Identifier: Apache-2.0
"""Services that go away while they are written."""

from typing import Any, cast

import pytest

from steering.gateway_api.endpoints import service, wanted
from steering.gateway_api.services import Services
from steering.kubernetes.api import Api, Listed
from steering.kubernetes.errors import Conflict, Invalid, NotFound
from steering.kubernetes.objects import Kind, Object
from tests.unit.steering.documents import fence
from tests.unit.steering.gateway_api.objects import document

DOCUMENT = document({"a": 100})


class Refusing:
    """An API server that has one Service, and refuses that it is replaced."""

    def __init__(self, *, stands: bool) -> None:
        (self.service,) = (service(one, "edge", "apps", fence(1), None) for one in wanted(DOCUMENT).values())
        self.service["metadata"] |= {"uid": "u-1", "resourceVersion": "7"}
        self.stands = stands

    async def list(self, kind: Kind, *_: Any, **__: Any) -> Listed:
        """The Service, and nothing else."""
        return Listed([self.service] if kind.name == "Service" else [], "7")

    async def create(self, sent: Object) -> Object:
        """Whatever is missing is made."""
        return sent

    async def replace(self, sent: Object) -> Object:
        """What is said of an address that is not free again."""
        raise Invalid(f"{sent['kind']}: spec.clusterIPs: failed to allocate IP: provided IP is already allocated")

    async def get(self, *_: Any) -> Object:
        """The Service, if it stands."""
        if not self.stands:
            raise NotFound("it has gone")
        return self.service


@pytest.mark.parametrize(("stands", "error"), [(True, Invalid), (False, Conflict)])
async def test_a_service_that_is_deleted_meanwhile_is_no_refusal(stands: bool, error: type[Exception]) -> None:
    """Its address is not free again yet: the write is begun anew. What is refused of a Service that stands is told."""
    services = Services(cast("Api", Refusing(stands=stands)), "edge", "apps")
    with pytest.raises(error):
        await services.provide(DOCUMENT, None, fence(2), {"uid": "u-2"})
