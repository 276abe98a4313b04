# SPDX-License-Identifier: Apache-2.0
"""The steering adapters, found by entry point (group `steering.adapters`), so that strangers' stand beside ours."""

from functools import cache
from importlib.metadata import entry_points

from steering.contract import SteeringAdapter

GROUP = "steering.adapters"


def kinds() -> tuple[str, ...]:
    """The kinds of adapter that are installed."""
    return tuple(sorted({found.name for found in entry_points(group=GROUP)}))


def load(kind: str) -> type[SteeringAdapter]:
    """The adapter class of that kind.

    Raises:
        ValueError: there is none; the text names those that exist.
        TypeError: what is registered is not a steering adapter.
    """
    found = next(iter(entry_points(group=GROUP, name=kind)), None)
    if found is None:
        raise ValueError(f"adapter: {kind} is not installed; there are {', '.join(kinds()) or 'none'}")
    adapter = found.load()
    if not (isinstance(adapter, type) and issubclass(adapter, SteeringAdapter)):
        raise TypeError(f"adapter: {kind} ({found.value}) is not a steering.contract.SteeringAdapter")
    return adapter


@cache
def kind_of(adapter: type[SteeringAdapter]) -> str:
    """The name under which a class of adapter is installed; its own name if it is installed under none."""
    value = f"{adapter.__module__}:{adapter.__qualname__}"
    return next((found.name for found in entry_points(group=GROUP) if found.value == value), adapter.__name__)
