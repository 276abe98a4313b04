# SPDX-License-Identifier: Apache-2.0
"""Every activity, by its name."""

from collections.abc import Callable
from typing import Any

from tests.modelcheck.activities import (
    checking,
    draining,
    instances,
    judging,
    readying,
    record,
    selection,
    steering,
    transferring,
)
from tests.modelcheck.activities.steps import Steps
from tests.modelcheck.world import World

STEPS: dict[str, Callable[[World, Any], Steps]] = {
    "select": selection.select,
    "deploy": instances.deploy,
    "await_running": instances.await_running,
    "remove": instances.remove,
    "secure": instances.secure,
    "activate": instances.activate,
    "steer": steering.steer,
    "gate": readying.gate,
    "health": readying.health,
    "baseline": judging.baseline,
    "judge": judging.judge,
    "drain": draining.drain,
    "check": checking.check,
    "transfer": transferring.transfer,
    "record": record.record,
}
"""By name of the activity, as `relocate.activities.calls` knows it. `watch` does nothing to the world."""
