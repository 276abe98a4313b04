# SPDX-License-Identifier: Apache-2.0
"""The conformance harness of a site."""

import ssl
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from steering.contract import SteeringAdapter
from steering.model import Backend
from tests.conformance.ue import UeHarness
from tests.gateway_api.hub import Hub
from tests.gateway_api.site import REPLICAS, Site


class GatewayApiHarness(UeHarness):
    """A site's gateway, asked as UEs ask."""

    settle_seconds = 30.0
    """A replica that was cut off needs 8 to 15 s to find back (reference: gateway-api.md, 3)."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._site: Site | None = None

    @abstractmethod
    def new_site(self, hub: Hub) -> Site:
        """The site that is to be made."""

    @property
    def site(self) -> Site:
        """The site that runs."""
        assert self._site is not None
        return self._site

    def start(self) -> None:
        """Start everything."""
        self._site = self.new_site(Hub.here)
        self._site.start()
        self._site.start_backends()

    def stop(self) -> None:
        """End everything."""
        if self._site is not None:
            self._site.stop()

    def adapter(self) -> SteeringAdapter:
        """A new one, with connections of its own."""
        return self.site.adapter()

    def instances(self) -> tuple[str, ...]:
        """Both replicas."""
        return REPLICAS

    def backends(self) -> tuple[Backend, Backend]:
        """Both applications."""
        return self.site.backend("a"), self.site.backend("b")

    def listener(self, instance: str) -> tuple[str, int]:
        """Each replica has an address of its own."""
        return self.site.addresses[instance], self.site.port

    def trust(self) -> ssl.SSLContext:
        """The site's authority."""
        return self.site.trust

    def process(self, instance: str) -> int:
        """A replica."""
        return self.site.processes[instance].pid

    def cut_off(self, instance: str) -> AbstractAsyncContextManager[None]:
        """This replica alone has no connection to where its configuration comes from."""

        @asynccontextmanager
        async def cut() -> AsyncIterator[None]:
            with self.site.cut(instance):
                yield

        return cut()
