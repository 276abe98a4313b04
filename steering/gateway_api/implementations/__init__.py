# SPDX-License-Identifier: Apache-2.0
"""What implementations of the Gateway API tell of themselves, beyond what every one of them does: their counters."""

from steering.gateway_api.implementations.contour import Contour
from steering.gateway_api.implementations.contract import Implementation, Untold
from steering.gateway_api.implementations.traefik import Traefik

__all__ = ["KINDS", "Implementation"]

KINDS: dict[str, type[Implementation]] = {"traefik": Traefik, "contour": Contour, "none": Untold}
"""By the name that settings use."""
