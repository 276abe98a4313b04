# SPDX-License-Identifier: Apache-2.0
"""How a case is written: an asynchronous method that gets a bench."""

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from steering.conformance.bench import Bench


def case(function: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an asynchronous case to its end, in the bench's own event loop: no other plugin is needed for that."""

    @functools.wraps(function)
    def run(self: object, steering_bench: Bench, **parameters: object) -> None:
        steering_bench.run(function(self, steering_bench, **parameters))

    asked = inspect.signature(function)
    names = {"bench": "steering_bench"}
    renamed = [one.replace(name=names.get(name, name)) for name, one in asked.parameters.items()]
    run.__dict__.pop("__wrapped__")
    run.__dict__["__signature__"] = asked.replace(parameters=renamed)
    return run
