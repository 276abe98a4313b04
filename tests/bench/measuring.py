# SPDX-License-Identifier: Apache-2.0
"""Measurements one after the other; what stops one of them stands in its row, and the others go on."""

import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from tests.bench.rows import Row, unmeasured

_Bench = TypeVar("_Bench")


async def measured(
    bench: _Bench, measures: Mapping[str, Callable[[_Bench], Awaitable[Sequence[Row]]]], names: Collection[str]
) -> list[Row]:
    """The rows of those that are named, in the order in which `measures` has them."""
    return [row for name, measure in measures.items() if name in names for row in await _one(bench, name, measure)]


async def _one(bench: _Bench, name: str, measure: Callable[[_Bench], Awaitable[Sequence[Row]]]) -> Sequence[Row]:
    try:
        return await measure(bench)
    except Exception as error:  # noqa: BLE001 - whatever stopped it, the row says so and the others go on
        traceback.print_exc()
        return [unmeasured(name, name, error)]
