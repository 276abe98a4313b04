# SPDX-License-Identifier: Apache-2.0
"""Errors at the boundary between the orchestrator and a gateway.

Adapters translate whatever their library raises into this tree (the original stays as the cause), so that the
orchestrator decides by kind and never by library::

    SteeringError
    |-- Rejected        the gateway says no, and would say no again
    |-- Fenced          a newer writer has been here: this attempt is stale
    |-- Conflict        somebody else changed the route since it was read
    |-- UnknownRoute    the gateway has no such route
    `-- Unavailable     it could not be asked now; asking again may help
"""


class SteeringError(Exception):
    """Something went wrong between us and a gateway."""


class Rejected(SteeringError):
    """The gateway refuses this document and would refuse it again."""


class Fenced(SteeringError):
    """A newer step or undo has already written this route; this attempt is stale and changed nothing."""


class Conflict(SteeringError):
    """The route was changed by somebody else since it was read; nothing was overwritten."""


class UnknownRoute(SteeringError):
    """The gateway does not have this route."""


class Unavailable(SteeringError):
    """The gateway could not be asked; asking again may help."""
