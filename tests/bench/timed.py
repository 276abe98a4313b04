# SPDX-License-Identifier: Apache-2.0
"""An adapter that notes when it wrote."""

import time

from steering.contract import SteeringAdapter
from steering.model import Fence, RouteDocument, Version


class Timed(SteeringAdapter):
    """To be put before an adapter among the bases of a class."""

    began = written = 0.0
    """When `apply` was called, and when it had returned (`time.perf_counter`)."""

    async def apply(self, document: RouteDocument, *, fence: Fence, base: Version | None) -> Version:
        """As the adapter's."""
        self.began = time.perf_counter()
        version = await super().apply(document, fence=fence, base=base)  # type: ignore[safe-super]
        self.written = time.perf_counter()
        return version
